"""How good candidates are with the supernet's weights: pixel AUPR or AUROC on synthetic validation samples.

Source: [D] Sec. 5.2.4; BN recalibration: SPOS (ECCV 2020), Sec. 3.
Differs from the source: a generation is evaluated at once, batch by batch, so that candidates share what
their common genes compute (search/autodd/shared_pass.py); the figure is counted in bins (error below 0.001).

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.errors import InputError
from inspector.streaming_metrics import ScoreHistogram
from search.autodd.fitness_bound import aupr_bound, auroc_bound
from search.autodd.gene_trie import walk
from search.autodd.norm_statistics import NormStatistics
from search.autodd.shared_pass import shared_pass
from search.autodd.validation import most_defective_first, round_ends
from search.nets.spec import Genes
from search.nets.stepped_net import State
from search.nets.steps import steps_of
from search.training.feed import Batch

Figure = Literal["aupr", "auroc"]
MB = 1_000_000
BINS_PER_OCTAVE = 256  # 1.7 MB a candidate
HISTOGRAM_ERROR = 1e-3  # of the figure; measured far below it (benchmarks/candidate_evaluation)


@dataclass
class _Candidate:
    """What was counted of one candidate so far."""

    num_seen: int = 0  # validation batches
    histogram: ScoreHistogram = field(default_factory=lambda: ScoreHistogram(BINS_PER_OCTAVE))


class FitnessEvaluator:
    """Evaluates genes on a trained supernet; the answer depends on weights and genes alone.

    What no gene changes, the reconstruction, is computed once. The BN statistics of a path are measured
    afresh on training batches; the supernet's weights and statistics stay as they are. Sharing is exact: the
    same operations on the same values as for each candidate alone.

    Args:
        cache_mb: Memory for activations that later candidates go on from. Less costs time, nothing else.

    Raises:
        InputError: the validation samples hold no defect, or nothing else.
    """

    def __init__(
        self,
        supernet: nn.Module,
        *,
        validation: Sequence[Batch],
        recalibration: Sequence[Batch],
        fabric: Fabric,
        figure: Figure = "aupr",
        cache_mb: float = 1024,
    ) -> None:
        self._net = steps_of(supernet)
        self._fabric = fabric
        self._figure = figure
        self._limit_bytes = int(cache_mb * MB)
        self._recalibration = [self._inputs(batch.image) for batch in recalibration]
        validation = most_defective_first(validation)
        self._validation = [self._inputs(batch.image) for batch in validation]
        self._labels = [batch.mask.numpy()[:, 0] > 0.5 for batch in validation]
        self._num_defective = sum(int(label.sum()) for label in self._labels)
        self._num_pixels = sum(label.size for label in self._labels)
        if not 0 < self._num_defective < self._num_pixels:
            raise InputError(
                f"{self._num_defective} of {self._num_pixels} validation pixels are defective, but fitness "
                "needs good and defective ones; raise evolution.validation_images"
            )
        self.round_ends = round_ends(len(validation))
        self._candidates: dict[Genes, _Candidate] = {}
        self._statistics = NormStatistics()

    @property
    def chance(self) -> float:
        """The fitness of a candidate that has learnt nothing: for AUPR the share of defective pixels."""
        return self._num_defective / self._num_pixels if self._figure == "aupr" else 0.5

    @property
    def num_rounds(self) -> int:
        """After how many rounds of `advance` all validation samples were seen."""
        return len(self.round_ends)

    @property
    def together(self) -> int:
        """The rounds in which three quarters of the defective pixels are seen: bounds are high until then."""
        seen = np.cumsum([label.sum() for label in self._labels])[np.array(self.round_ends) - 1]
        return int(np.searchsorted(seen, 0.75 * self._num_defective)) + 1

    def fitness(self, genes: Genes) -> float:
        """Return the pixel AUPR or AUROC of one candidate on the validation samples."""
        self.begin([genes])
        return self.advance([genes], self.num_rounds)[genes]

    def begin(self, population: Sequence[Genes]) -> None:
        """Measure the BN statistics of candidates; forgets those that were begun before."""
        self._candidates = {genes: _Candidate() for genes in population}
        self._statistics = NormStatistics()
        self._net.train(True)
        with torch.no_grad(), self._fabric.autocast():
            for start in self._recalibration:
                deque(self._paths(start, population), maxlen=0)
        self._net.train(False)

    def advance(self, population: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        """Show begun candidates, all of which have seen the same, the validation samples up to a round.

        Returns:
            The highest fitness that each can have; the fitness itself after the last round.
        """
        first, last = self._candidates[population[0]].num_seen, self.round_ends[to_round - 1]
        with torch.no_grad(), self._fabric.autocast():
            for start, label in zip(self._validation[first:last], self._labels[first:last], strict=True):
                for genes, state in self._paths(start, population):
                    score = torch.sigmoid(self._net.finish(state).float()).cpu().numpy()[:, 0]
                    self._candidates[genes].histogram.add(score, label)
                    self._candidates[genes].num_seen += 1
        return {genes: self._bound(self._candidates[genes]) for genes in population}

    def _inputs(self, image: Tensor) -> Tensor:
        image = image.to(self._fabric.device, non_blocking=True, memory_format=torch.channels_last)
        with torch.no_grad(), self._fabric.autocast():
            return self._net.begin(image)

    def _paths(self, start: Tensor, population: Sequence[Genes]) -> Iterator[tuple[Genes, State]]:
        return shared_pass(start, walk(population), self._step, limit_bytes=self._limit_bytes)

    def _step(self, state: State, prefix: Genes, again: bool) -> State:
        with self._statistics.lent_to(self._net.norms(prefix), prefix, again=again):
            return self._net.step(state, prefix)

    def _bound(self, candidate: _Candidate) -> float:
        good, defective = candidate.histogram.from_the_top()
        unseen_defective = self._num_defective - int(defective.sum())
        if self._figure == "aupr":
            return aupr_bound(good, defective, unseen_defective=unseen_defective)
        unseen_good = self._num_pixels - self._num_defective - int(good.sum())
        return auroc_bound(good, defective, unseen_good=unseen_good, unseen_defective=unseen_defective)
