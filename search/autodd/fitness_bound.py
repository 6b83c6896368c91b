"""What a candidate can still reach when only a part of the validation images was seen: exact, no estimate.

The bound supposes the best: every unseen defective pixel scores above, and every unseen good pixel below,
all that was seen. No ranking of the unseen pixels gives more, so a candidate whose bound is below the fitness
of k others is not among the best k, with certainty.

Source: the definitions in inspector/metrics.py.

Arrays hold counts of pixels by score, from the highest score down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def aupr_bound(good: Counts, defective: Counts, *, unseen_defective: int) -> float:
    """Return the highest AUPR that the whole can have; once nothing is unseen, the AUPR itself."""
    num_true = unseen_defective + np.cumsum(defective)
    precision = num_true / np.maximum(num_true + np.cumsum(good), 1)
    return float((unseen_defective + np.sum(defective * precision)) / num_true[-1])


def auroc_bound(good: Counts, defective: Counts, *, unseen_good: int, unseen_defective: int) -> float:
    """Return the highest AUROC that the whole can have; once nothing is unseen, the AUROC itself."""
    num_good, num_defective = int(good.sum()) + unseen_good, int(defective.sum()) + unseen_defective
    won = np.sum(defective * (num_good - np.cumsum(good) + 0.5 * good))  # against all that is not above
    return float((won + unseen_defective * num_good) / (num_good * num_defective))
