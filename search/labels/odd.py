"""Photos that spoil a set whatever their label: unreadable, twice there on both sides of a split, odd.

Source: the rules are those of `inspector data info`: inspector/data_findings.py and near_duplicates.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from inspector.data_findings import (
    MIN_BRIGHTNESS_SPREAD,
    MIN_FOCUS_SPREAD,
    MIN_IMAGES_FOR_OUTLIERS,
    OUTLIER_Z,
    robust_z,
)
from inspector.image_file import read_frame
from inspector.near_duplicates import first_match, looks_of
from search.labels.apply_plan import REMOVE
from search.labels.finding import DUPLICATE, ODD, UNREADABLE, Finding, propose, thumbnail
from search.labels.looks import Looks
from search.labels.material import Photo

Side = Callable[[Photo], str]
_NO_PHOTO = np.full((120, 160, 3), 200, np.uint8)


def unreadable_findings(looks: Looks) -> Iterator[Finding]:
    """Propose to remove what no program can read."""
    for photo, error in looks.unreadable:
        proposal = propose(UNREADABLE, photo.name, given=photo.label, proposed=REMOVE, score=1.0)
        yield Finding(proposal, (("why", error),), thumbnail(_NO_PHOTO))


def duplicate_findings(looks: Looks, *, has_classes: bool) -> Iterator[Finding]:
    """Propose for photos that look the same: with two labels, the other's; in training and test, removal.

    Photos that share label and part do no harm here; `inspector data info` lists them.
    """
    if len(looks.photos) < 2:
        return
    side: Side = (lambda photo: photo.label) if has_classes else (lambda photo: photo.part)
    for first, second, is_exact in crossing_pairs(looks, side):
        photo, twin = looks.photos[first], looks.photos[second]
        proposed = twin.label if has_classes else REMOVE
        what = "the same file" if is_exact else "looks the same"
        facts = (("why", f"{what} as {twin.name} ({side(twin)})"),)
        proposal = propose(DUPLICATE, photo.name, given=photo.label, proposed=proposed)
        yield Finding(proposal, facts, thumbnail(read_frame(photo.path)))


def crossing_pairs(looks: Looks, side: Side) -> list[tuple[int, int, bool]]:
    """Return (photo, its twin, whether byte by byte) for the first twin of each photo on an earlier side."""
    sides = np.array([side(photo) for photo in looks.photos])
    by_sum: dict[str, list[int]] = defaultdict(list)
    for i, facts in enumerate(looks.facts):
        by_sum[facts.sha256].append(i)
    exact = {}
    for copies in by_sum.values():
        for i in copies[1:]:
            twin = next((j for j in copies if j < i and sides[j] != sides[i]), None)
            if twin is not None:
                exact[i] = twin
    near = {i: twin for i, twin in _near(looks, sides) if i not in exact and twin not in exact}
    pairs = [(i, twin, True) for i, twin in exact.items()] + [(i, twin, False) for i, twin in near.items()]
    return sorted(pairs)


def _near(looks: Looks, sides: npt.NDArray[np.str_]) -> Iterator[tuple[int, int]]:
    measured = looks_of(looks.facts, [photo.group for photo in looks.photos])
    names = sorted(set(sides.tolist()))
    for number, name in enumerate(names[1:], start=1):
        rows, among = np.flatnonzero(sides == name), np.flatnonzero(np.isin(sides, names[:number]))
        match = first_match(measured.pick(rows), measured.pick(among))
        for row in np.flatnonzero(match >= 0):
            yield int(rows[row]), int(among[match[row]])


def odd_findings(looks: Looks) -> Iterator[Finding]:
    """Propose to remove photos far darker, brighter, more blurred or sharper than others of their label."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for i, photo in enumerate(looks.photos):
        by_label[photo.label].append(i)
    for label in sorted(by_label):
        yield from _odd_of(looks, by_label[label])


def _odd_of(looks: Looks, members: Sequence[int]) -> Iterator[Finding]:
    if len(members) < MIN_IMAGES_FOR_OUTLIERS:
        return
    light = robust_z(np.array([looks.facts[i].brightness for i in members]), min_spread=MIN_BRIGHTNESS_SPREAD)
    focus = np.log(np.array([looks.facts[i].focus for i in members]) + 1e-3)
    focus_z = robust_z(focus, min_spread=MIN_FOCUS_SPREAD)
    found: dict[int, tuple[float, str]] = {}
    for z, what in ((-light, "dark"), (light, "bright"), (-focus_z, "blurred"), (focus_z, "sharp or noisy")):
        for row in np.flatnonzero(z > OUTLIER_Z):
            index = members[int(row)]
            found[index] = max(found.get(index, (0.0, "")), (float(z[row]), what))
    for i, (z_of, what) in sorted(found.items(), key=lambda item: -item[1][0]):
        photo = looks.photos[i]
        facts = (("why", f"unusually {what}, {z_of:.1f} robust deviations"),)
        proposal = propose(ODD, photo.name, given=photo.label, proposed=REMOVE)
        yield Finding(proposal, facts, thumbnail(read_frame(photo.path)))
