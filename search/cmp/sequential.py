"""Model parallelism (MP): one partition works at a time.

Source: [D] Sec. 3.2.2, Fig. 3.1 (left).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from search.cmp.clock import Task, needs, sequence
from search.cmp.mixture import Mixture
from search.cmp.parcel import Parcel
from search.cmp.partition import Partition
from search.cmp.passes import Batch, Criterion, Losses, Passes, Span


class Parallelism(Protocol):
    """Computes both gradients of a step on its devices."""

    def gradients(self, *, train: Batch, valid: Batch, mixture: Mixture) -> Losses:
        """Set `.grad` of all weights to that of L_train, and add that of L_valid to A's.

        Nothing else of weights and A is changed, and after an error nothing at all.

        Raises:
            InputError: the batches cannot be worked on.
            TrainingError: a device failed, or a loss is not finite.
        """

    def close(self) -> None:
        """Give back threads and processes."""


class ModelParallel:
    """Runs the partitions one after the other, in the calling thread.

    Args:
        synchronize: Wait for the device after each task, so that `spans` say how long it computed.
    """

    def __init__(
        self, partitions: Sequence[Partition], criterion: Criterion, *, synchronize: bool = False
    ) -> None:
        self.partitions = list(partitions)
        self._criterion = criterion
        self._synchronize = synchronize
        self.spans: Mapping[Task, Span] = {}

    def gradients(self, *, train: Batch, valid: Batch, mixture: Mixture) -> Losses:
        passes = Passes(
            self.partitions,
            self._criterion,
            train=train,
            valid=valid,
            mixture=mixture,
            synchronize=self._synchronize,
        )
        parcels: dict[Task, Parcel] = {}
        for task in sequence(len(self.partitions)):
            before = needs(task, num_partitions=len(self.partitions))
            parcels[task] = passes.run(task, None if before is None else parcels.pop(before))
        self.spans = passes.spans
        return passes.finish()

    def close(self) -> None:
        """There is nothing to give back."""
