"""BN statistics by prefix: what one node has under one history of genes.

Source: SPOS (ECCV 2020), Sec. 3: statistics are measured afresh for a candidate.
Differs from the source: candidates of one prefix share them, since nothing after a node changes its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from search.nets.spec import Genes


@dataclass
class _Statistics:
    mean: Tensor
    var: Tensor
    num_batches: Tensor

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> _Statistics:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        return cls(norm.running_mean, norm.running_var, norm.num_batches_tracked)

    def put_into(self, norm: nn.BatchNorm2d) -> None:
        norm.running_mean, norm.running_var, norm.num_batches_tracked = self.mean, self.var, self.num_batches

    def copy(self) -> _Statistics:
        return _Statistics(self.mean.clone(), self.var.clone(), self.num_batches.clone())


class NormStatistics:
    """Lends a prefix its own statistics for the time of one step; a few kB a prefix."""

    def __init__(self) -> None:
        self._by_prefix: dict[Genes, list[_Statistics]] = {}

    @contextmanager
    def lent_to(self, norms: Sequence[nn.BatchNorm2d], prefix: Genes, *, again: bool) -> Iterator[None]:
        """Put the statistics of `prefix` into `norms`, and the old ones back afterwards.

        In training mode they become the plain average over all batches that were met.

        Args:
            again: This batch was counted already: whatever the step does to the statistics is forgotten.
        """
        if prefix not in self._by_prefix:
            self._by_prefix[prefix] = [_fresh(norm) for norm in norms]
        mine = self._by_prefix[prefix]
        before = [(_Statistics.of(norm), norm.momentum) for norm in norms]
        for norm, statistics in zip(norms, mine, strict=True):
            (statistics.copy() if again else statistics).put_into(norm)
            norm.momentum = None  # a cumulative average over the batches
        try:
            yield
        finally:
            for norm, (statistics, momentum) in zip(norms, before, strict=True):
                statistics.put_into(norm)
                norm.momentum = momentum


def _fresh(norm: nn.BatchNorm2d) -> _Statistics:
    statistics = _Statistics.of(norm).copy()
    statistics.mean.zero_()
    statistics.var.fill_(1)
    statistics.num_batches.zero_()
    return statistics
