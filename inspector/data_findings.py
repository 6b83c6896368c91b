"""Judges what was measured on a folder: what stops the work, what may spoil the figures."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from inspector.image_facts import ImageFacts, MaskFacts
from inspector.layouts import Problem, Sample
from inspector.near_duplicates import first_match, looks_of
from inspector.split import MIN_GROUPS

TRAIN_PART = "train good"
FEW_GOOD = 50
OUTLIER_Z = 6.0
MIN_IMAGES_FOR_OUTLIERS = 10
# Least spread that counts, so that a set of equal images has no outliers: gray levels; log of the focus.
MIN_BRIGHTNESS_SPREAD, MIN_FOCUS_SPREAD = 1.0, 0.05


@dataclass(frozen=True)
class Seen:
    """A readable image of the data set: where it belongs and what was measured on it and its mask."""

    sample: Sample
    part: str
    facts: ImageFacts
    mask: Optional[MaskFacts] = None

    @property
    def trains(self) -> bool:
        return self.part == TRAIN_PART


def find_errors(seen: Sequence[Seen]) -> List[Problem]:
    """What stops search or evaluation."""
    return _too_few(seen) + _mask_errors(seen)


def find_warnings(seen: Sequence[Seen]) -> List[Problem]:
    """What may be wrong and deserves a look."""
    return (
        _duplicates(seen)
        + _near_duplicates(seen)
        + _crossing_groups(seen)
        + _outliers([s for s in seen if s.sample.is_good])
        + _empty_masks(seen)
        + _unusual_modes(seen)
        + _few(seen)
    )


def _too_few(seen: Sequence[Seen]) -> List[Problem]:
    good = [s for s in seen if s.trains]
    num_groups = len({s.sample.group for s in good})
    if num_groups >= MIN_GROUPS:
        return []
    advice = f"training needs at least {MIN_GROUPS} good images of different parts, there are {num_groups}"
    return [Problem("too few good images", tuple(s.sample.name for s in good), advice)]


def _few(seen: Sequence[Seen]) -> List[Problem]:
    num_good = sum(s.trains for s in seen)
    few = [f"{num_good} good images"] if num_good < FEW_GOOD else []
    return _problems(
        ("few good images", few, f"below {FEW_GOOD} the thresholds are rough; use a few hundred")
    )


def _mask_errors(seen: Sequence[Seen]) -> List[Problem]:
    unreadable, other_size = [], []
    for s in seen:
        if s.mask is None:
            continue
        if s.mask.error:
            unreadable.append(s.mask.error)
        elif (s.mask.width, s.mask.height) != (s.facts.width, s.facts.height):
            sizes = f"{s.mask.width} x {s.mask.height}, image {s.facts.width} x {s.facts.height}"
            other_size.append(f"mask of {s.sample.name} ({sizes})")
    return _problems(
        ("unreadable mask", unreadable, "replace it"),
        ("mask of another size than its image", other_size, "draw it again at the size of the image"),
    )


def _empty_masks(seen: Sequence[Seen]) -> List[Problem]:
    empty = [
        f"mask of {s.sample.name}" for s in seen if s.mask and not s.mask.error and not s.mask.num_defect_px
    ]
    return _problems(("mask without a defect", empty, "only gray above 127 is defect; draw it in white"))


def _duplicates(seen: Sequence[Seen]) -> List[Problem]:
    same: Dict[str, List[Seen]] = defaultdict(list)
    for s in seen:
        same[s.facts.sha256].append(s)
    inside: List[str] = []
    crossing: List[str] = []
    for copies in same.values():
        first = copies[0]
        for s in copies[1:]:
            crosses = first.trains != s.trains
            (crossing if crosses else inside).append(f"{s.sample.name} = {first.sample.name}")
    return _problems(
        (
            "exact duplicate in training and test",
            crossing,
            "remove one of them, the figures would be too good",
        ),
        ("exact duplicate", inside, "keep one of them"),
    )


def _near_duplicates(seen: Sequence[Seen]) -> List[Problem]:
    first_of: Dict[str, Seen] = {}
    for s in seen:
        first_of.setdefault(s.facts.sha256, s)
    once = list(first_of.values())
    if len(once) < 2:
        return []
    looks = looks_of([s.facts for s in once], [s.sample.group for s in once])
    trained = np.array([s.trains for s in once])
    pairs: Dict[bool, List[str]] = {False: [], True: []}
    for crosses, rows, among in (
        (False, np.flatnonzero(trained), None),
        (False, np.flatnonzero(~trained), None),
        (True, np.flatnonzero(~trained), np.flatnonzero(trained)),
    ):
        others = rows if among is None else among
        match = first_match(looks.pick(rows), None if among is None else looks.pick(among))
        for row in np.flatnonzero(match >= 0):
            pairs[crosses].append(f"{once[rows[row]].sample.name} ~ {once[others[match[row]]].sample.name}")
    advice = "where they show the same part, give them one group (groups.csv)"
    return _problems(
        ("near-duplicate in training and test", pairs[True], f"{advice}, else the figures are too good"),
        ("near-duplicate", pairs[False], advice),
    )


def _crossing_groups(seen: Sequence[Seen]) -> List[Problem]:
    trained = {s.sample.group for s in seen if s.trains}
    crossing: Dict[str, int] = Counter(
        s.sample.group for s in seen if not s.trains and s.sample.group in trained
    )
    names = [f"group {group} ({count} in test)" for group, count in sorted(crossing.items())]
    return _problems(("group in training and test", names, "keep all images of a part on one side"))


def _outliers(good: Sequence[Seen]) -> List[Problem]:
    if len(good) < MIN_IMAGES_FOR_OUTLIERS:
        return []
    brightness = np.array([s.facts.brightness for s in good])
    focus = np.log(np.array([s.facts.focus for s in good]) + 1e-3)
    light_z = robust_z(brightness, min_spread=MIN_BRIGHTNESS_SPREAD)
    focus_z = robust_z(focus, min_spread=MIN_FOCUS_SPREAD)

    def named(z: np.ndarray) -> List[str]:
        far = sorted(
            ((float(value), s.sample.name) for value, s in zip(z, good) if value > OUTLIER_Z), reverse=True
        )
        return [f"{name} (z = {value:.1f})" for value, name in far]

    advice = "look at it: it may be a bad photo or no good part; remove it if so"
    return _problems(
        ("good image that is unusually dark", named(-light_z), advice),
        ("good image that is unusually bright", named(light_z), advice),
        ("good image that is unusually blurred", named(-focus_z), advice),
        ("good image that is unusually sharp or noisy", named(focus_z), advice),
    )


def robust_z(values: np.ndarray, *, min_spread: float) -> np.ndarray:
    """Distance from the median in robust standard deviations, 1.4826 MAD, which is at least `min_spread`."""
    offset: np.ndarray = values - np.median(values)
    return offset / max(1.4826 * float(np.median(np.abs(offset))), min_spread)


def _unusual_modes(seen: Sequence[Seen]) -> List[Problem]:
    modes = Counter(s.facts.mode for s in seen)
    usual = modes.most_common(1)[0][0] if modes else ""
    other = [f"{s.sample.name} ({s.facts.mode})" for s in seen if s.facts.mode != usual]
    dim = [s.sample.name for s in seen if "16-bit" in s.facts.mode and s.facts.peak < 16]
    return _problems(
        (f"image of another mode than {usual}", other, "take all photos with one camera setting"),
        (
            "16-bit image that uses 12 bits or less",
            dim,
            "only the upper 8 bits are read; scale it to 16 bits",
        ),
    )


def _problems(*found: Tuple[str, List[str], str]) -> List[Problem]:
    return [Problem(kind, tuple(files), advice) for kind, files, advice in found if files]
