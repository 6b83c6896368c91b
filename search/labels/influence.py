"""What dropping suspicious good photos does to the inspector's threshold.

The rule of the threshold is inspector/threshold.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from inspector.threshold import ThresholdChoice, choose_thresholds
from search.labels.report import Table

Maps = Callable[[], Iterable[npt.NDArray[np.float32]]]
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def influence_table(
    maps: Maps, suspects: Sequence[int], *, groups: Sequence[str], false_reject_budget: float
) -> Table:
    """Return the thresholds that the scores give with the first n suspects dropped, for growing n.

    Args:
        maps: Yields the score map (H, W) of every good photo, 0..1, each time that it is called.
        suspects: Numbers of photos, the most suspicious first.
    """
    rows = []
    for num in (0, *(n for n in STEPS if n < len(suspects)), *([len(suspects)] if suspects else [])):
        choice = threshold_without(
            maps, suspects[:num], groups=groups, false_reject_budget=false_reject_budget
        )
        fail, review = choice.thresholds.fail, choice.thresholds.review
        rows.append((str(num), f"{fail:.3f}", f"{review:.3f}", str(choice.num_images)))
    note = (
        f"Thresholds that keep false rejects within {100 * false_reject_budget:g} %, chosen from the "
        "out-of-fold scores of this check with the most suspicious photos left out. A hidden defect lifts "
        "the threshold, and all defects that score lower pass. The scores are the check's own; train the "
        "inspector on the cleaned copy for its own."
    )
    return Table(
        "The threshold without the suspects",
        ("dropped", "fail above", "review above", "photos"),
        tuple(rows),
        note,
    )


def rescored_table(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], suspects: Sequence[int]
) -> Table:
    """Return how scores (N,) change when networks learn without the suspects.

    Args:
        before, after: Log odds of every photo, by networks that learnt with the suspects and without.
    """
    others = np.setdiff1d(np.arange(len(before)), suspects)
    rows = [
        _change("the suspects, median", before[list(suspects)], after[list(suspects)], 50),
        *(
            _change(f"the others, {name}", before[others], after[others], share)
            for name, share in (("median", 50), ("95 %", 95), ("99 %", 99), ("highest", 100))
        ),
    ]
    note = (
        "Log odds of a photo's most suspicious place, once by networks that learnt from the suspects as good "
        "photos and once by networks that did not. Where dropping them helps, theirs rise above the others."
    )
    return Table(
        "The scores without the suspects", ("photos", "with", "without", "change"), tuple(rows), note
    )


def _change(
    name: str, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], share: int
) -> tuple[str, ...]:
    old, new = (float(np.percentile(scores, share)) if len(scores) else 0.0 for scores in (before, after))
    return name, f"{old:.2f}", f"{new:.2f}", f"{new - old:+.2f}"


def threshold_without(
    maps: Maps, dropped: Sequence[int], *, groups: Sequence[str], false_reject_budget: float
) -> ThresholdChoice:
    """Return the thresholds of all photos but the dropped ones; errors as in `choose_thresholds`."""
    gone = set(dropped)
    kept_groups = [group for i, group in enumerate(groups) if i not in gone]
    left = (score for i, score in enumerate(maps()) if i not in gone)
    return choose_thresholds(left, false_reject_budget=false_reject_budget, groups=kept_groups)
