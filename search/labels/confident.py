"""cleanlab's confident learning on out-of-fold probabilities.

Source: confident learning, by cleanlab 2.9.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Confident:
    """What cleanlab says of N labels.

    issue: bool (N,), by self-confidence below the class's own.  quality: (N,) in 0..1, low is suspicious.
    joint: (c, c), the estimated number of photos with the given label (row) whose true one is the column.
    """

    issue: npt.NDArray[np.bool_]
    quality: Probabilities
    joint: Probabilities

    @property
    def noise_rate(self) -> float:
        """The estimated share of wrong labels."""
        return 1.0 - float(np.trace(self.joint) / max(1e-12, self.joint.sum()))


def confident_learning(
    labels: Labels, probabilities: Probabilities, *, filter_by: str = "low_self_confidence"
) -> Confident:
    """Judge labels (N,) by probabilities (N, c) that no network has learnt from the same photo."""
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cleanlab's own, about classes without an issue
        issue = find_label_issues(labels, probabilities, filter_by=filter_by, n_jobs=1)
        quality = get_label_quality_scores(labels, probabilities)
        joint = compute_confident_joint(labels, probabilities)
    return Confident(np.asarray(issue, bool), np.asarray(quality, float), np.asarray(joint, float))
