"""The plain evaluation: one candidate after the other, each through the whole network.

Source: SPOS (ECCV 2020), Sec. 3.
Differs from the source: nothing. Precision, memory layout, batches and recalibration are as when shared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.metrics import aupr
from inspector.streaming_metrics import ScoreHistogram
from search.autodd.fitness import BINS_PER_OCTAVE, Figure
from search.autodd.validation import most_defective_first
from search.nets.detector import OneShotDetector
from search.nets.spec import Genes
from search.training.feed import Batch


class PlainEvaluator:
    """The fitness of one candidate at a time; nothing is remembered between candidates."""

    def __init__(
        self,
        supernet: OneShotDetector,
        *,
        validation: Sequence[Batch],
        recalibration: Sequence[Batch],
        fabric: Fabric,
        figure: Figure = "aupr",
    ) -> None:
        self._supernet, self._fabric, self._figure = supernet.eval(), fabric, figure
        self._recalibration = [batch.to(fabric.device) for batch in recalibration]
        self._validation = [batch.to(fabric.device) for batch in most_defective_first(validation)]

    def fitness(self, genes: Genes) -> float:
        """Return the pixel AUPR or AUROC of one candidate."""
        histogram = ScoreHistogram(BINS_PER_OCTAVE)
        with torch.no_grad(), self._fabric.autocast():
            self.recalibrate(genes)
            for batch in self._validation:
                histogram.add(self.score(batch.image, genes).numpy(), batch.mask.cpu().numpy()[:, 0])
        return histogram.aupr() if self._figure == "aupr" else histogram.auroc()

    def histogram_and_exact(self, genes: Genes) -> tuple[float, float]:
        """Return the AUPR of one candidate's scores, counted in bins and exact."""
        histogram = ScoreHistogram(BINS_PER_OCTAVE)
        with torch.no_grad(), self._fabric.autocast():
            self.recalibrate(genes)
            scores = [self.score(batch.image, genes).numpy() for batch in self._validation]
        labels = [batch.mask.cpu().numpy()[:, 0] for batch in self._validation]
        for score, label in zip(scores, labels, strict=True):
            histogram.add(score, label)
        return histogram.aupr(), aupr(np.concatenate(scores), np.concatenate(labels))

    def score(self, image: Tensor, genes: Genes) -> Tensor:
        """Return score maps (B, H, W) on the CPU, with the BN statistics that are there."""
        return torch.sigmoid(self._supernet(image, genes)[1].float()).cpu()[:, 0]

    def recalibrate(self, genes: Genes) -> None:
        """Measure the BN statistics of the candidate's path."""
        segmenter = self._supernet.segmenter
        for node, gene in enumerate(genes):
            for module in segmenter.operation(node, gene).modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.momentum = None  # a cumulative average over the batches
        segmenter.train()
        for batch in self._recalibration:
            self._supernet(batch.image, genes)
        segmenter.eval()
