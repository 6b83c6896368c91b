"""The part with, at every place, the smallest spot that was found there: one picture a contrast."""

from typing import List, Optional, Tuple

import cv2
import numpy as np

from inspector.detectability.measure import Detectability
from inspector.render import BLACK, FONT, WHITE, Colour, Tile, contact_sheet

# From well found to not found at all, told apart without colour by the number in the cell.
BEST, WORST, NEVER = (110, 160, 40), (40, 130, 240), (60, 40, 200)
OPACITY = 0.55
PANEL_PX = 480


def picture(
    found: Detectability, part: np.ndarray, *, unit_per_px: float = 1.0, unit: str = "px"
) -> np.ndarray:
    """Return a contact sheet, uint8 BGR: a panel a contrast, in each cell the smallest size found.

    Args:
        part: A good photo, uint8 (h, w, 3), drawn below.
        unit_per_px: What one pixel of the photo is in `unit`, for example 0.05 with `mm`.
    """
    places = found.smallest_at_places_px()
    tiles = []
    for number, contrast in enumerate(found.plan.contrasts):
        panel = _panel(found, part, [sizes[number] for sizes in places], unit_per_px)
        tiles.append(Tile(panel, f"contrast {contrast:.0%}: size in {unit}"))
    return contact_sheet(tiles, columns=2, cell_px=PANEL_PX)


def _panel(
    found: Detectability, part: np.ndarray, smallest: List[Optional[float]], unit_per_px: float
) -> np.ndarray:
    scale = PANEL_PX / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    panel: np.ndarray = cv2.resize(
        part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    rows, columns = found.grid
    for place, size_px in enumerate(smallest):
        row, column = divmod(place, columns)
        top, bottom = round(row * size[1] / rows), round((row + 1) * size[1] / rows)
        left, right = round(column * size[0] / columns), round((column + 1) * size[0] / columns)
        cell = panel[top:bottom, left:right]
        colour = np.full_like(cell, _colour(found, size_px))
        panel[top:bottom, left:right] = cv2.addWeighted(cell, 1 - OPACITY, colour, OPACITY, 0)
        cv2.rectangle(panel, (left, top), (right - 1, bottom - 1), WHITE, 1)
        text = "-" if size_px is None else f"{size_px * unit_per_px:.3g}"
        _write(panel, text, ((left + right) // 2, (top + bottom) // 2), bottom - top)
    return panel


def _colour(found: Detectability, size_px: Optional[float]) -> Colour:
    if size_px is None:
        return NEVER
    sizes = found.plan.sizes_px
    share = sizes.index(size_px) / max(1, len(sizes) - 1)
    mixed = [round((1 - share) * best + share * worst) for best, worst in zip(BEST, WORST)]
    return (mixed[0], mixed[1], mixed[2])


def _write(panel: np.ndarray, text: str, centre: Tuple[int, int], cell_px: int) -> None:
    size = max(0.3, cell_px / 110)
    (width, height), _ = cv2.getTextSize(text, FONT, size, 1)
    origin = (centre[0] - width // 2, centre[1] + height // 2)
    cv2.putText(panel, text, origin, FONT, size, BLACK, 4, cv2.LINE_AA)
    cv2.putText(panel, text, origin, FONT, size, WHITE, 1, cv2.LINE_AA)
