"""The shape of the demo part: a turned flange with bore, keyway, hub and a ring of holes, as a height field.

Lengths are fractions of the image width; angles are radians. Fields are float32 (S, S) on the drawing canvas.
"""

from dataclasses import dataclass, replace
from typing import Tuple

import cv2
import numpy as np

BODY_RADIUS = 0.405
BORE_RADIUS = 0.105
HUB_RADIUS = 0.185
GROOVE_RADIUS = 0.225
HOLE_CIRCLE = 0.315
HOLE_RADIUS = 0.042
FLAT_DISTANCE = 0.385
CHAMFER = 0.011
NUM_HOLES = 6

MAX_ROTATION = np.deg2rad(7.0)
MAX_SHIFT = 0.03
MAX_SCALE = 0.015
HOLE_TOLERANCE = 0.0018


@dataclass(frozen=True)
class Hole:
    """A through hole; `x`, `y` are relative to the part's centre in the image's axes."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Part:
    """One flange as it lies under the camera; `x`, `y` is its centre relative to the image's centre."""

    x: float
    y: float
    angle: float
    scale: float
    holes: Tuple[Hole, ...]

    def without_hole(self, index: int) -> "Part":
        """Return the same part with one hole never drilled."""
        return replace(self, holes=self.holes[:index] + self.holes[index + 1 :])


@dataclass(frozen=True)
class Plan:
    """The part seen straight from above, on a canvas.

    `dx`, `dy` and `radius` lead from the part's centre; `inside` is the distance to the nearest edge,
    positive in the metal.
    """

    dx: np.ndarray
    dy: np.ndarray
    radius: np.ndarray
    inside: np.ndarray

    @property
    def size(self) -> int:
        """Rows and columns of every field."""
        return int(self.inside.shape[0])

    @property
    def metal(self) -> np.ndarray:
        """How much of each canvas pixel is metal, 0..1."""
        covered: np.ndarray = np.clip(self.inside * np.float32(self.size) + np.float32(0.5), 0.0, 1.0)
        return covered


def draw_part(rng: np.random.Generator) -> Part:
    """Draw a good part's pose and its dimensions within tolerance."""
    x, y = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2)
    angle = float(rng.uniform(-MAX_ROTATION, MAX_ROTATION))
    scale = 1.0 + float(rng.uniform(-MAX_SCALE, MAX_SCALE))
    holes = []
    for index in range(NUM_HOLES):
        turn = angle + 2.0 * np.pi * (index + 0.5) / NUM_HOLES
        off_x, off_y, off_radius = rng.uniform(-HOLE_TOLERANCE, HOLE_TOLERANCE, 3)
        holes.append(
            Hole(
                scale * float(HOLE_CIRCLE * np.cos(turn) + off_x),
                scale * float(HOLE_CIRCLE * np.sin(turn) + off_y),
                scale * float(HOLE_RADIUS + off_radius),
            )
        )
    return Part(float(x), float(y), angle, scale, tuple(holes))


def canvas_index(value: float, size: int) -> float:
    """Return the canvas pixel of a position that is relative to the image's centre."""
    return (value + 0.5) * size - 0.5


def lay_out(part: Part, *, size: int) -> Plan:
    """Return the plan of `part` on a canvas of `size` x `size`."""
    grid = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size) - np.float32(0.5)
    dx, dy = np.meshgrid(grid - np.float32(part.x), grid - np.float32(part.y))
    radius = cv2.magnitude(dx, dy) + np.float32(1e-6)
    return Plan(dx, dy, radius, _distance_to_edge(part, dx, dy, radius))


def height_of(part: Part, plan: Plan) -> np.ndarray:
    """Return the height of the surface, 0 on the face: chamfers at the edges, the hub, a groove around it."""
    below_chamfer = np.clip(np.float32(CHAMFER) - plan.inside, 0.0, np.float32(CHAMFER))
    height = below_chamfer * below_chamfer * np.float32(-0.45 / CHAMFER)
    window = _window(part.x, part.y, GROOVE_RADIUS + 0.02, plan.size)
    radius = plan.radius[window] / np.float32(part.scale)
    step = np.clip((np.float32(HUB_RADIUS) - radius) / np.float32(0.012) + np.float32(0.5), 0.0, 1.0)
    groove = (radius - np.float32(GROOVE_RADIUS)) / np.float32(0.011)
    height[window] += np.float32(0.010) * step * step * (np.float32(3.0) - np.float32(2.0) * step)
    height[window] -= np.float32(0.006) * np.maximum(np.float32(1.0) - groove * groove, 0.0)
    return height


def _distance_to_edge(part: Part, dx: np.ndarray, dy: np.ndarray, radius: np.ndarray) -> np.ndarray:
    scale = np.float32(part.scale)
    cos, sin = np.float32(np.cos(part.angle)), np.float32(np.sin(part.angle))
    inside = np.minimum(scale * np.float32(BODY_RADIUS) - radius, radius - scale * np.float32(BORE_RADIUS))
    across = cos * dx + sin * dy  # the flat lies to the right, the keyway to the left
    np.minimum(inside, scale * np.float32(FLAT_DISTANCE) - across, out=inside)
    keyway = np.maximum(
        np.abs(across + scale * np.float32(0.11)) - scale * np.float32(0.03),
        np.abs(cos * dy - sin * dx) - scale * np.float32(0.022),
    )
    np.minimum(inside, keyway, out=inside)
    for hole in part.holes:
        window = _window(part.x + hole.x, part.y + hole.y, hole.radius + 3.0 * CHAMFER, dx.shape[0])
        distance = cv2.magnitude(dx[window] - np.float32(hole.x), dy[window] - np.float32(hole.y))
        inside[window] = np.minimum(inside[window], distance - np.float32(hole.radius))
    return inside


def _window(x: float, y: float, reach: float, size: int) -> Tuple[slice, slice]:
    """Return the rows and columns within `reach` of a position that is relative to the image's centre."""
    column, row = canvas_index(x, size), canvas_index(y, size)
    return (
        slice(max(0, int(row - reach * size)), max(0, int(row + reach * size) + 2)),
        slice(max(0, int(column - reach * size)), max(0, int(column + reach * size) + 2)),
    )
