"""Chips: pieces that are missing, or too much, at an edge of the part or of the image."""

import cv2
import numpy as np

from search.defects.draws import log_uniform, random_sign, side_px
from search.defects.spots import blob
from search.defects.stamp import Points, Stamp, box_around, draw_polygons, soften
from search.defects.style import Frame

_LOOK_PX = 48  # edges are searched in a copy this small: fast, and fine texture is no edge in it
_AT_BORDER = 0.4


def chip(frame: Frame, rng: np.random.Generator) -> Stamp | None:
    """Return a chip on the frame's border, or on an edge in it; strong edges are likelier than weak ones."""
    height, width = frame.shape[:2]
    radius = side_px((height, width)) * log_uniform(rng, 0.015, 0.13)
    found = None if rng.random() < _AT_BORDER else _edge(frame, rng)
    anchor, outward = found if found is not None else _border(height, width, rng)
    corners = 28 if rng.random() < 0.4 else int(rng.integers(6, 12))
    outline = blob(rng, radius_px=radius, roughness=rng.uniform(0.1, 0.35), num_corners=corners) + anchor
    sigma = radius * rng.uniform(0.0, 0.12)
    box = box_around(outline, (height, width), margin_px=2.0 * sigma + 1.0)
    if box is None:
        return None
    return Stamp(soften(draw_polygons([outline], box), sigma_px=sigma), box, radius, outward)


def _border(height: int, width: int, rng: np.random.Generator) -> tuple[Points, tuple[float, float]]:
    """Return a random point on the frame's border, and the way out of the frame there."""
    x, y = rng.uniform(0.0, width - 1.0), rng.uniform(0.0, height - 1.0)
    points = ((0.0, y), (width - 1.0, y), (x, 0.0), (x, height - 1.0))
    ways_out = ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))
    which = int(rng.integers(4))
    return np.array(points[which]), ways_out[which]


def _edge(frame: Frame, rng: np.random.Generator) -> tuple[Points, tuple[float, float]] | None:
    """Return a point on an edge and the unit vector across it; None on a frame without edges."""
    height, width = frame.shape[:2]
    small_wh = (min(_LOOK_PX, width), min(_LOOK_PX, height))
    small = cv2.cvtColor(cv2.resize(frame, small_wh, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    dx = cv2.Sobel(small, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(small, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    strength = (dx * dx + dy * dy).ravel()
    strength[strength < 0.1 * strength.max()] = 0.0  # texture
    total = np.cumsum(strength, dtype=np.float64)
    if total[-1] <= 0.0:
        return None
    index = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    row, column = divmod(min(index, len(total) - 1), small_wh[0])
    length = float(np.sqrt(strength[row * small_wh[0] + column])) or 1.0
    sign = random_sign(rng)  # a piece of the part is missing, or something sticks to it
    outward = (float(sign * dx[row, column] / length), float(sign * dy[row, column] / length))
    x, y = (column + rng.random()) * width / small_wh[0], (row + rng.random()) * height / small_wh[1]
    return np.array((x, y)), outward
