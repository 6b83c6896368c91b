"""Which devices a list of names means, such as `cpu,cpu`, `cuda:0,cuda:1` or one GPU twice."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from inspector.errors import InputError


def find_devices(names: Sequence[str]) -> list[torch.device]:
    """Return one device a name; a device may be named more than once.

    Raises:
        InputError: no name, a name that torch does not know, or a GPU that this machine does not have.
    """
    if not names:
        raise InputError("name a device a partition, such as cpu,cpu or cuda:0,cuda:1")
    return [_find(name.strip()) for name in names]


def _find(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is no device; name cpu, or cuda:0 and so on") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"partitions run on cpu and cuda, not on {name!r}")
    if device.type == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count()
    index = device.index or 0
    if index >= count:
        there = f"has {count} of them, cuda:0 to cuda:{count - 1}" if count else "has none"
        raise InputError(
            f"there is no CUDA device {name}: by what PyTorch finds, this machine {there}; "
            "name others, or cpu"
        )
    return torch.device("cuda", index)
