"""Good images into training, validation and calibration, whole groups at a time."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Sequence, Set, Tuple

from inspector.errors import DatasetError
from inspector.layouts import Sample

MIN_GROUPS = 3


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the good images; no group is in two of them."""

    training: Tuple[Sample, ...]
    validation: Tuple[Sample, ...]
    calibration: Tuple[Sample, ...]


def split_good(
    samples: Sequence[Sample], *, validation: float = 0.2, calibration: float = 0.1, seed: int
) -> Split:
    """Set `calibration` of the images aside, then `validation` of the rest; what is left trains.

    The order of groups is a hash of seed and group, so the split depends neither on the order of `samples`
    nor on the version of a random generator. A part holds at most its share, but never nothing.

    Raises:
        DatasetError: fewer than three groups, defects among `samples`, or a share outside 0..1.
    """
    _check(samples, validation, calibration)
    images: Dict[str, int] = defaultdict(int)
    for sample in samples:
        images[sample.group] += 1
    order = sorted(images, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    held_out = _take(order, images, share=calibration, leave=2)
    rest = [group for group in order if group not in held_out]
    checked = _take(rest, images, share=validation, leave=1)
    return Split(
        training=tuple(s for s in samples if s.group not in held_out and s.group not in checked),
        validation=tuple(s for s in samples if s.group in checked),
        calibration=tuple(s for s in samples if s.group in held_out),
    )


def _take(order: List[str], images: Dict[str, int], *, share: float, leave: int) -> Set[str]:
    """Take groups in order while they fit into the share; the smallest one where none does."""
    room = round(share * sum(images[group] for group in order))
    taken: Set[str] = set()
    for group in order:
        if len(order) - len(taken) > leave and images[group] <= room:
            taken.add(group)
            room -= images[group]
    return taken or {min(order, key=lambda group: images[group])}


def _check(samples: Sequence[Sample], validation: float, calibration: float) -> None:
    for name, share in (("validation", validation), ("calibration", calibration)):
        if not 0 < share < 1:
            raise DatasetError(f"the share for {name} is {share}; it must be above 0 and below 1")
    defect = next((s for s in samples if not s.is_good), None)
    if defect is not None:
        raise DatasetError(f"{defect.name} shows a defect ({defect.kind}); only good images are split")
    num_groups = len({sample.group for sample in samples})
    if num_groups < MIN_GROUPS:
        raise DatasetError(
            f"{len(samples)} good images in {num_groups} groups are too few: training, validation and "
            f"calibration need at least {MIN_GROUPS} good images of different groups (parts); add "
            "photos of good parts, a few hundred give a usable result"
        )
