"""Processes that search together, started and connected by Lightning Fabric.

What a rank's work returns reaches the caller from the first one. A rank that dies takes the others with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from inspector.errors import InspectorError, TrainingError

Answer = TypeVar("Answer")


def on_ranks(work: Callable[[Fabric], Answer], devices: Sequence[torch.device]) -> Answer:
    """Run `work`, which is pickled, in a process for each device; gloo connects CPUs, NCCL GPUs.

    Its answer is not None and holds no tensors: their memory goes with the process that they come from.

    Raises:
        TrainingError: a rank failed or died; the message is that of the first rank, or the last line of what
            another one left.
    """
    kind = devices[0].type
    fabric = Fabric(
        accelerator=kind,
        devices=len(devices) if kind == "cpu" else [device.index for device in devices],
        strategy=DDPStrategy(start_method="spawn"),
    )
    try:
        ended: _Ended[Answer] = fabric.launch(_Guarded(work))
    except (ProcessRaisedException, ProcessExitedException) as failure:
        last = str(failure).strip().splitlines()[-1]
        raise TrainingError(f"one of {len(devices)} processes of the search died: {last}") from failure
    if ended.failed:
        raise TrainingError(ended.failed)
    assert ended.answer is not None
    return ended.answer


def sum_over_ranks(tensors: Sequence[Tensor], fabric: Fabric) -> list[Tensor]:
    """Return the sums of each rank's tensors, on their devices; all go in one message."""
    flat = torch.cat([tensor.detach().flatten().to(fabric.device) for tensor in tensors])
    total = fabric.all_reduce(flat, reduce_op="sum")
    assert isinstance(total, Tensor)
    parts = torch.split(total, [tensor.numel() for tensor in tensors])
    return [part.view_as(tensor).to(tensor.device) for part, tensor in zip(parts, tensors, strict=True)]


class _Ended(Generic[Answer]):
    """How a rank ended: with an answer, or an error that all ranks agree on and none died of.

    No dataclass: Fabric looks into them for tensors, and refuses to look into frozen records within.
    """

    def __init__(self, answer: Answer | None = None, *, failed: str = "") -> None:
        self.answer = answer
        self.failed = failed


class _Guarded(Generic[Answer]):
    def __init__(self, work: Callable[[Fabric], Answer]) -> None:
        self._work = work

    def __call__(self, fabric: Fabric) -> _Ended[Answer]:
        if fabric.device.type == "cpu":
            torch.set_num_threads(1)
        try:
            return _Ended(self._work(fabric))
        except InspectorError as error:
            return _Ended(failed=str(error))
