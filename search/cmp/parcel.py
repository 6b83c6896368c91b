"""Tensors on their way from one partition to its neighbour, whole before they are read.

On a GPU work is only queued when a function returns. The sender records an event behind it; the receiver's
stream waits for the event on the device, and no thread waits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Parcel:
    """What a partition hands on; `ready` is None where its tensors are whole already."""

    tensors: tuple[Tensor | None, ...] = ()
    ready: torch.cuda.Event | None = None

    @classmethod
    def pack(cls, tensors: tuple[Tensor | None, ...], device: torch.device) -> Parcel:
        """Send tensors that the current stream of `device` computes."""
        if device.type != "cuda":
            return cls(tensors)
        ready: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        ready.record(torch.cuda.current_stream(device))
        return cls(tensors, ready)

    def unpack(self, device: torch.device) -> tuple[Tensor | None, ...]:
        """Return the tensors on `device`, to be used on its current stream."""
        return tuple(None if tensor is None else self._moved(tensor, device) for tensor in self.tensors)

    def _moved(self, tensor: Tensor, device: torch.device) -> Tensor:
        if self.ready is not None:
            # A copy between devices runs on this thread's stream of the source, and that of the target waits.
            reader = torch.cuda.current_stream(tensor.device)
            reader.wait_event(self.ready)
            tensor.record_stream(reader)  # its memory is not given away before it has been read
        # Towards the CPU a copy that does not block could be read before it is there.
        return tensor.to(device, non_blocking=device.type == "cuda")
