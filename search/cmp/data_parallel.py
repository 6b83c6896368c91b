"""Data parallelism: each rank computes on its share of both batches, and gradients are averaged.

Source: [D] Sec. 3.3.2, 3.3.3; around CMP it is the mixed parallelism that [D] names as future work.
Differs from the source: Fabric starts and connects the processes. Its DDP wrapper would average every
gradient of every backward pass, but a step takes that of A alone from one pass, and that of w from the other.

BN normalises with the statistics of each rank's share, as is usual.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import nn

from inspector.errors import InputError, TrainingError
from search.cmp.mixture import Mixture
from search.cmp.passes import Batch, Losses, check_sizes
from search.cmp.ranks import sum_over_ranks
from search.cmp.sequential import Parallelism


class DataParallel:
    """Averages what a parallelism of each rank finds; all ranks are given the same whole batches.

    Args:
        inner: The rank's own; it works on the rank's devices.
        parameters: Weights and A, in the same order on all ranks.
    """

    def __init__(self, inner: Parallelism, parameters: Sequence[nn.Parameter], fabric: Fabric) -> None:
        self._inner = inner
        self._parameters = list(parameters)
        self._fabric = fabric

    def gradients(self, *, train: Batch, valid: Batch, mixture: Mixture) -> Losses:
        check_sizes(train, valid)
        error: TrainingError | None = None
        losses = Losses(0.0, 0.0)
        try:
            losses = self._inner.gradients(
                train=self._share(train), valid=self._share(valid), mixture=mixture
            )
        except TrainingError as found:
            error = found
        losses = self._agree(losses, error)
        self._average()
        return losses

    def close(self) -> None:
        self._inner.close()

    def _share(self, batch: Batch) -> Batch:
        ranks, size = self._fabric.world_size, len(batch.inputs)
        if size % ranks or size < 2 * ranks:
            raise InputError(
                f"a batch of {size} samples cannot be shared evenly among {ranks} processes with two samples "
                f"or more each; choose a multiple of {ranks} from {2 * ranks} on"
            )
        first = self._fabric.global_rank * (size // ranks)
        mine = slice(first, first + size // ranks)
        return Batch(batch.inputs[mine], batch.target[mine])

    def _agree(self, losses: Losses, error: TrainingError | None) -> Losses:
        """Return the mean losses; where one rank fails all do, as none may wait for what never comes."""
        told = torch.tensor([losses.train, losses.valid, float(error is not None)], dtype=torch.float64)
        train, valid, num_failed = sum_over_ranks([told], self._fabric)[0].tolist()
        if error is not None:
            raise TrainingError(f"rank {self._fabric.global_rank}: {error}") from error
        if num_failed:
            raise TrainingError(f"{num_failed:.0f} other processes of the search failed in this step")
        ranks = self._fabric.world_size
        return Losses(train / ranks, valid / ranks)

    def _average(self) -> None:
        given = [one for one in self._parameters if one.grad is not None]
        totals = sum_over_ranks([one.grad for one in given if one.grad is not None], self._fabric)
        for one, total in zip(given, totals, strict=True):
            one.grad = total / self._fabric.world_size
