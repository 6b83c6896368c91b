"""How good a candidate is with the supernet's weights: pixel AUPR on synthetic validation samples.

Source: [D] Sec. 5.2.4; BN recalibration: SPOS (ECCV 2020), Sec. 3.
Differs from the source: nothing.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.metrics import aupr
from search.nets.detector import OneShotDetector
from search.nets.spec import Genes
from search.training.feed import Batch


class FitnessEvaluator:
    """Evaluates genes on a trained supernet; the answer depends on weights and genes alone.

    The reconstruction, which no gene changes, is computed once. For each candidate the BN statistics of its
    path are measured afresh on training batches; the supernet's weights stay as they are.
    """

    def __init__(
        self,
        supernet: OneShotDetector,
        *,
        validation: Sequence[Batch],
        recalibration: Sequence[Batch],
        fabric: Fabric,
    ) -> None:
        self._segmenter = supernet.segmenter
        self._fabric = fabric
        supernet.eval()
        self._recalibration = [self._inputs(supernet, batch) for batch in recalibration]
        self._validation = [self._inputs(supernet, batch) for batch in validation]
        self._labels = np.concatenate([batch.mask.numpy().ravel() > 0.5 for batch in validation])

    @property
    def chance(self) -> float:
        """The fitness of a candidate that has learnt nothing: the share of defective pixels."""
        return float(self._labels.mean())

    def fitness(self, genes: Genes) -> float:
        """Return the pixel AUPR of the candidate on the validation samples."""
        with torch.no_grad(), self._fabric.autocast():
            self._recalibrate(genes)
            scores = [
                torch.sigmoid(self._segmenter(x, genes).float()).cpu().numpy().ravel()
                for x in self._validation
            ]
        return aupr(np.concatenate(scores), self._labels)

    def _inputs(self, supernet: OneShotDetector, batch: Batch) -> Tensor:
        batch = batch.to(self._fabric.device)
        with torch.no_grad(), self._fabric.autocast():
            reconstruction = supernet.reconstructor(batch.image)
            both = torch.cat([reconstruction.float(), batch.image], dim=1)
        return both.contiguous(memory_format=torch.channels_last)

    def _recalibrate(self, genes: Genes) -> None:
        norms = [
            module
            for node, gene in enumerate(genes)
            for module in self._segmenter.operation(node, gene).modules()
            if isinstance(module, nn.BatchNorm2d)
        ]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative average over the batches
        self._segmenter.train()
        for x in self._recalibration:
            self._segmenter(x, genes)
        self._segmenter.eval()
