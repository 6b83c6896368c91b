"""Tries every spot of a plan on good photos and counts what the inspector finds.

A spot is found when the verdict is FAIL and one of the regions that make it so lies on the spot: within half
an averaging window, since the score is averaged over it before it is judged.
"""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from inspector.detectability.plan import Plan, Spot
from inspector.errors import InputError
from inspector.postprocess import Judgement, Verdict, smoothing_window

Inspect = Callable[[np.ndarray], Judgement]
RELIABLE = 0.9


@dataclass(frozen=True)
class Detectability:
    """How many spots were drawn and found.

    Args:
        frame_hw: Size of the photos.
        grid: Rows and columns of the places.
        drawn, found: Counts, int (places, sizes, contrasts); each spot was tried dark and bright, and one
            that the photo has no room for (bright on white) is in neither.
        num_photos: Photos used.
        num_rejected: Good photos that the inspector rejects without any spot: not used.
    """

    plan: Plan
    frame_hw: Tuple[int, int]
    grid: Tuple[int, int]
    drawn: np.ndarray
    found: np.ndarray
    num_photos: int
    num_rejected: int

    def rates(self) -> np.ndarray:
        """Return the share of spots that were found, float (sizes, contrasts); NaN where none was drawn."""
        return _share(self.found.sum(axis=0), self.drawn.sum(axis=0))

    def smallest_px(self, *, reliable: float = RELIABLE) -> List[Optional[float]]:
        """Return for each contrast the smallest size from which on the share found is at least `reliable`.

        None: not even the largest size is.
        """
        return self._smallest(self.rates(), reliable)

    def smallest_at_places_px(self) -> List[List[Optional[float]]]:
        """Return for each place, for each contrast, the smallest size from which on every spot was found."""
        shares = _share(self.found, self.drawn)
        return [self._smallest(shares[place], 1.0) for place in range(len(shares))]

    def as_dict(self, *, reliable: float = RELIABLE) -> Dict[str, Any]:
        """Return everything for `--json`."""
        rates = [[None if np.isnan(rate) else float(rate) for rate in row] for row in self.rates()]
        return {
            "sizes_px": list(self.plan.sizes_px),
            "contrasts": list(self.plan.contrasts),
            "photo_hw": list(self.frame_hw),
            "grid": list(self.grid),
            "num_photos": self.num_photos,
            "num_rejected_without_spot": self.num_rejected,
            "drawn": self.drawn.sum(axis=0).tolist(),
            "found": self.found.sum(axis=0).tolist(),
            "rates": rates,
            "reliable": reliable,
            "smallest_px": self.smallest_px(reliable=reliable),
            "smallest_at_places_px": self.smallest_at_places_px(),
        }

    def _smallest(self, shares: np.ndarray, reliable: float) -> List[Optional[float]]:
        smallest: List[Optional[float]] = []
        for column in shares.T:
            size: Optional[float] = None
            for size_px, share in zip(reversed(self.plan.sizes_px), reversed(column.tolist())):
                if np.isnan(share):
                    continue
                if share < reliable:
                    break
                size = size_px
            smallest.append(size)
        return smallest


def measure(
    inspect: Inspect,
    frames: Sequence[np.ndarray],
    plan: Plan,
    *,
    on_spot: Callable[[], None] = lambda: None,
) -> Detectability:
    """Draw every spot of `plan` on one of the good photos in turn and judge it.

    Args:
        frames: Good photos, uint8 (h, w, 3), all of one size.
        on_spot: Called after each spot.

    Raises:
        InputError: no photos, photos of different sizes, or all of them are rejected as they are.
    """
    if not frames or len({frame.shape for frame in frames}) > 1:
        raise InputError(
            f"detectability needs good photos of one size, but there are {len(frames)} photos of "
            f"{len({frame.shape for frame in frames})} sizes"
        )
    good = [frame for frame in frames if inspect(frame).verdict != Verdict.FAIL]
    if not good:
        raise InputError(
            f"all {len(frames)} good photos are rejected as they are: "
            "raise the threshold or train again first"
        )
    frame_hw: Tuple[int, int] = (frames[0].shape[0], frames[0].shape[1])
    shape = (len(plan.places(frame_hw)), len(plan.sizes_px), len(plan.contrasts))
    drawn, found = np.zeros(shape, int), np.zeros(shape, int)
    for number, (place, size, contrast, spot) in enumerate(plan.spots(frame_hw)):
        frame = good[number // 2 % len(good)]
        picture = spot.draw(frame)
        if spot.is_drawn(frame, picture):
            drawn[place, size, contrast] += 1
            found[place, size, contrast] += is_found(inspect(picture), spot, frame_hw)
        on_spot()
    rows, columns = plan.shape(frame_hw)
    return Detectability(plan, frame_hw, (rows, columns), drawn, found, len(good), len(frames) - len(good))


def is_found(judgement: Judgement, spot: Spot, frame_hw: Tuple[int, int]) -> bool:
    """Tell whether the part fails because of a region that lies on the spot."""
    if judgement.verdict != Verdict.FAIL:
        return False
    height, width = judgement.mask.shape
    window = smoothing_window((height, width))
    small = cv2.resize(spot.mask(frame_hw), (width, height), interpolation=cv2.INTER_AREA)
    if not small.any():  # smaller than a pixel of the network
        row = min(height - 1, int(spot.y * height / frame_hw[0]))
        column = min(width - 1, int(spot.x * width / frame_hw[1]))
        small[row, column] = 1
    near = cv2.dilate((small > 0).astype(np.uint8), np.ones((window, window), np.uint8))
    return bool((judgement.mask[near != 0] != 0).any())


def _share(found: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    share: np.ndarray = np.full(found.shape, np.nan)
    np.divide(found, drawn, out=share, where=drawn > 0)
    return share
