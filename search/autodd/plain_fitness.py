"""The fitness of one network as it is, nothing shared and nothing recalibrated.

Source: [D] Sec. 5.2.4.
Differs from the source: the figure is counted in bins, as in search/autodd/fitness.py.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor

from inspector.streaming_metrics import ScoreHistogram
from search.autodd.fitness import BINS_PER_OCTAVE, Figure
from search.autodd.fitness_bound import aupr_bound, auroc_bound
from search.training.feed import Batch


def plain_fitness(
    logits_of: Callable[[Tensor], Tensor],
    validation: Sequence[Batch],
    *,
    fabric: Fabric,
    figure: Figure = "aupr",
) -> float:
    """Return the pixel AUPR or AUROC on validation samples.

    Args:
        logits_of: image (B, 3, H, W) -> logits (B, 1, H, W), of a network in evaluation mode.
    """
    histogram = ScoreHistogram(BINS_PER_OCTAVE)
    with torch.no_grad(), fabric.autocast():
        for batch in validation:
            image = batch.image.to(fabric.device, memory_format=torch.channels_last)
            score = torch.sigmoid(logits_of(image).float()).cpu().numpy()[:, 0]
            histogram.add(score, batch.mask.numpy()[:, 0] > 0.5)
    good, defective = histogram.from_the_top()
    if figure == "aupr":
        return aupr_bound(good, defective, unseen_defective=0)
    return auroc_bound(good, defective, unseen_good=0, unseen_defective=0)
