"""Which class labels to propose for change: a margin and agreement of seeds; numbers in, numbers out.

Source: facts/search_algorithms.md, section E, "Workflow".
Differs from the source: cleanlab's flag does not decide what is proposed, it is told beside each proposal: on
calibrated probabilities a margin finds more wrong labels at the same precision (benchmarks/label_cleanup).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.labels.calibration import calibrated
from search.labels.confident import Confident, confident_learning

Labels = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]

MIN_MARGIN = 0.2
MIN_AGREEMENT = 2


@dataclass(frozen=True)
class Suspicion:
    """One photo whose label is probably wrong.

    index: of the photo.  given, proposed: numbers of classes.  score: probability of the proposed class.
    margin: by how much it is above the given one's.  agreement: how many seeds say the same.
    quality: cleanlab's, low is suspicious.  is_issue: whether cleanlab's confident learning flags it.
    """

    index: int
    given: int
    proposed: int
    score: float
    margin: float
    agreement: int
    quality: float
    is_issue: bool


@dataclass(frozen=True)
class ClassVerdict:
    """The suspicions, the most certain first, and what they came from."""

    suspicions: tuple[Suspicion, ...]
    probabilities: Probabilities
    confident: Confident
    num_below_margin: int


def judge_labels(
    logits: Sequence[Logits],
    labels: Labels,
    *,
    min_margin: float = MIN_MARGIN,
    min_agreement: int = MIN_AGREEMENT,
) -> ClassVerdict:
    """Judge given labels (N,) by the out-of-fold logits (N, c) of one or more seeds.

    Args:
        min_agreement: How many seeds have to name the proposed class; with fewer seeds, all of them.
    """
    each = [calibrated(one, labels) for one in logits]
    mean: Probabilities = np.mean(each, axis=0)
    confident = confident_learning(labels, mean)
    proposed = mean.argmax(axis=1)
    rows = np.arange(len(labels))
    margin = mean[rows, proposed] - mean[rows, labels]
    agreement = np.sum([one.argmax(axis=1) == proposed for one in each], axis=0)
    is_doubted = (proposed != labels) & (agreement >= min(min_agreement, len(each)))
    chosen = np.flatnonzero(is_doubted & (margin >= min_margin))
    suspicions = tuple(
        Suspicion(
            index=int(i),
            given=int(labels[i]),
            proposed=int(proposed[i]),
            score=float(mean[i, proposed[i]]),
            margin=float(margin[i]),
            agreement=int(agreement[i]),
            quality=float(confident.quality[i]),
            is_issue=bool(confident.issue[i]),
        )
        for i in chosen[np.argsort(-margin[chosen], kind="stable")]
    )
    return ClassVerdict(suspicions, mean, confident, int(is_doubted.sum()) - len(chosen))
