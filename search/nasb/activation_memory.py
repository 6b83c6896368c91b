"""How many bytes a forward pass keeps for its backward pass.

Source: [D] Sec. 3.3.4, which reports the memory of a whole GPU.
Differs from the source: it counts the tensors that autograd saves, each storage once; parameters and the
batch itself, which are there anyway, do not count. So it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def kept_bytes(forward: Callable[[], Tensor], *, beside: Iterable[Tensor] = ()) -> int:
    """Run `forward` and return the bytes of all different storages that its graph keeps.

    Args:
        beside: Tensors that do not count: parameters, the batch.
    """
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage  # held, so that its address is given to no other one
        # Not the tensor itself: one that is an output of its node would hold the whole graph for ever.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = forward()
    for tensor in beside:
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    total = sum(storage.nbytes() for storage in kept.values())
    del result
    return total
