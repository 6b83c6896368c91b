"""The six defects of the demo part, drawn as geometry: what each changes and which pixels it covers."""

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

import cv2
import numpy as np

from inspector.demo_part.geometry import (
    BODY_RADIUS,
    BORE_RADIUS,
    CHAMFER,
    GROOVE_RADIUS,
    Part,
    Plan,
    canvas_index,
)

SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 canvas pixel
Points = np.ndarray  # (N, 2) x, y relative to the image's centre


@dataclass(frozen=True)
class Defect:
    """What a defect does to the drawing; every field is (S, S) float32.

    `cover` is where it is, 0..1. `height` is added to the surface, `reflectance` multiplies it, `polish`
    replaces the tool marks, `paint` hides what is below it and sends back `paint_light` (`paint` where
    None) in colour `paint_bgr`; `shade` multiplies the light.
    """

    cover: np.ndarray
    height: Optional[np.ndarray] = None
    reflectance: Optional[np.ndarray] = None
    polish: Optional[np.ndarray] = None
    paint: Optional[np.ndarray] = None
    paint_light: Optional[np.ndarray] = None
    paint_bgr: Tuple[float, float, float] = (0.0, 0.0, 0.0)
    shade: Optional[np.ndarray] = None
    missing_hole: Optional[int] = None


def scratch(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """A tool slipped: a long, slightly bent furrow with a burr on both sides and bare metal in it."""
    start = _point_on_face(part, rng, margin=0.01)
    direction = rng.uniform(0.0, 2.0 * np.pi)
    length = rng.uniform(0.18, 0.38)
    bend = rng.uniform(-0.5, 0.5)
    t = np.linspace(0.0, 1.0, 24)
    heading = direction + bend * t
    path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * (length / len(t))
    path -= (path[-1] - start) * rng.uniform(0.2, 0.6)
    width = rng.uniform(0.018, 0.025) * (0.5 + 0.5 * np.sin(np.pi * np.clip(t * 0.9 + 0.05, 0, 1)))
    size = plan.size
    line = _stroke(path, width, size)
    furrow = cv2.GaussianBlur(line, (0, 0), 0.0022 * size)
    burr = cv2.GaussianBlur(line, (0, 0), 0.0055 * size)
    depth = np.float32(rng.uniform(0.012, 0.020))
    cover = np.clip(1.8 * np.maximum(furrow, burr), 0.0, 1.0) * plan.metal
    height = depth * (np.float32(0.9) * burr - furrow)
    light = np.float32(1.0 + rng.uniform(0.9, 1.5)) * furrow + (1.0 - furrow)
    return Defect(cover, height=height, reflectance=light.astype(np.float32), polish=furrow)


def dent(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """Something hard fell on it: a smooth hollow with a raised rim that bends the highlight."""
    radius = rng.uniform(0.034, 0.060)
    centre = _point_on_face(part, rng, margin=0.5 * radius)
    stretch = rng.uniform(0.75, 1.0)
    turn = rng.uniform(0.0, np.pi)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    dx, dy = plan.dx + float(part.x - centre[0]), plan.dy + float(part.y - centre[1])
    a, b = cos * dx + sin * dy, (cos * dy - sin * dx) / stretch
    q = (a * a + b * b) / radius**2
    hollow = np.maximum(1.0 - q, 0.0)
    rim = np.exp(-((np.sqrt(q) - 1.0) ** 2) / 0.045)
    depth = np.float32(rng.uniform(0.4, 0.6) * radius)
    height = depth * (np.float32(0.12) * rim - hollow * hollow)
    cover = (q < 1.12**2).astype(np.float32) * plan.metal
    worn = np.minimum(2.0 * hollow, 1.0)
    dull = 1.0 - np.float32(rng.uniform(0.3, 0.5)) * worn  # no light from the sides reaches the bottom
    return Defect(cover, height=height, reflectance=dull, polish=0.8 * worn)


def crack(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """A fatigue crack: dark, jagged, from an edge into the metal, thinning out, with a branch."""
    start, heading = _crack_start(part, rng)
    num_steps = int(rng.integers(12, 20))
    path = _jagged(start, heading, num_steps, rng)
    width = np.linspace(rng.uniform(0.017, 0.023), 0.008, num_steps)
    size = plan.size
    line = _stroke(path, width, size)
    fork = int(rng.integers(3, num_steps // 2 + 1))
    side = heading + rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.0)
    twig = _jagged(path[fork], side, num_steps - fork, rng)
    line = np.maximum(line, _stroke(twig, np.linspace(0.8 * float(width[fork]), 0.007, len(twig)), size))
    line = cv2.GaussianBlur(line, (0, 0), 0.0012 * size)
    lip = cv2.GaussianBlur(line, (0, 0), 0.005 * size)
    reflectance = (1.0 - np.float32(rng.uniform(0.75, 0.92)) * line).astype(np.float32)
    return Defect(line * plan.metal, height=np.float32(-0.005) * lip, reflectance=reflectance)


def stain(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """Oil or rust that ran and dried: a few merged drops with a darker rim, brown and not shiny."""
    size = plan.size
    centre = _point_on_face(part, rng, margin=0.0)
    flow = rng.uniform(0.0, 2.0 * np.pi)
    canvas = np.zeros((size, size), np.uint8)
    reach = 0.0
    for _ in range(int(rng.integers(3, 6))):
        at = centre + reach * np.array([np.cos(flow), np.sin(flow)]) + rng.normal(0.0, 0.009, 2)
        axes = rng.uniform(0.024, 0.048, 2)
        cv2.ellipse(
            canvas,
            _fixed(at, size),
            (int(axes[0] * size * 2**SHIFT), int(axes[1] * size * 2**SHIFT)),
            float(rng.uniform(0.0, 180.0)),
            0.0,
            360.0,
            255,
            -1,
            cv2.LINE_AA,
            SHIFT,
        )
        reach += rng.uniform(0.012, 0.028)
    drop = canvas.astype(np.float32) / np.float32(255.0)
    soft = cv2.GaussianBlur(drop, (0, 0), 0.004 * size)
    core = cv2.GaussianBlur(drop, (0, 0), 0.013 * size)
    alpha = soft * (np.float32(rng.uniform(0.7, 0.85)) + 0.25 * (1.0 - core)) * plan.metal
    cover = np.clip(soft, 0.0, 1.0) * plan.metal
    tone = rng.uniform(0.02, 0.05)
    colour = (tone * rng.uniform(0.3, 0.6), tone * rng.uniform(0.75, 0.95), tone * rng.uniform(1.3, 2.2))
    return Defect(cover, paint=alpha.astype(np.float32), paint_bgr=colour)


def missing_hole(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """The drill skipped one after its place was faced: a dull, shallow disc where a hole belongs."""
    index = int(rng.integers(len(part.holes)))
    hole = part.holes[index]
    distance = cv2.magnitude(plan.dx - np.float32(hole.x), plan.dy - np.float32(hole.y))
    edge = np.float32(hole.radius + 0.8 * CHAMFER)
    cover = np.clip((edge - distance) * plan.size + 0.5, 0.0, 1.0)
    faced = np.clip((np.float32(hole.radius) - distance) / np.float32(0.006), 0.0, 1.0)
    dull = 1.0 - np.float32(rng.uniform(0.3, 0.48)) * faced
    return Defect(cover, np.float32(-0.003) * faced, dull, polish=0.2 * faced, missing_hole=index)


def foreign_thread(part: Part, plan: Plan, rng: np.random.Generator) -> Defect:
    """A thread of a cleaning cloth lies on the part, with its shadow."""
    size = plan.size
    start = _point_on_face(part, rng, margin=0.0)
    num_points = 40
    t = np.linspace(0.0, 1.0, num_points)
    waves = rng.normal(0.0, (0.9, 0.5, 0.15))
    phases = rng.uniform(0.0, 2.0 * np.pi, 3)
    heading = rng.uniform(0.0, 2.0 * np.pi) + rng.normal(0.0, 1.2) * t
    for cycles, (wave, phase) in enumerate(zip(waves, phases), 1):
        heading = heading + wave * np.sin(2.0 * np.pi * cycles * t + phase)
    length = rng.uniform(0.28, 0.52)
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * (length / num_points)
    path += start - path[num_points // 2]
    width = rng.uniform(0.013, 0.018) * (1.0 + rng.normal(0.0, 0.06, num_points))
    fibre = _stroke(path, width, size)
    yarn = (np.float32(1.0) - np.float32(0.45) * _twist(path, width, size)) * fibre
    shadow = cv2.GaussianBlur(_stroke(path + 0.007, width, size), (0, 0), 0.003 * size)
    colours = ((0.34, 0.12, 0.05), (0.05, 0.05, 0.32), (0.84, 0.88, 0.90), (0.03, 0.10, 0.05))
    colour = colours[int(rng.integers(len(colours)))]
    shade = (1.0 - np.float32(0.55) * shadow).astype(np.float32)
    return Defect(
        np.maximum(fibre, shadow * plan.metal), paint=fibre, paint_light=yarn, paint_bgr=colour, shade=shade
    )


DRAW: Dict[str, Callable[[Part, Plan, np.random.Generator], Defect]] = {
    "scratch": scratch,
    "dent": dent,
    "crack": crack,
    "stain": stain,
    "missing_hole": missing_hole,
    "foreign_thread": foreign_thread,
}


def _point_on_face(part: Part, rng: np.random.Generator, *, margin: float) -> Points:
    """Return a point on the flange's face, `margin` clear of the holes; (2,) in image positions."""
    candidates = rng.uniform(0.0, 1.0, (32, 2))
    lo, hi = GROOVE_RADIUS - 0.04, BODY_RADIUS - 0.045
    radius = part.scale * (lo + (hi - lo) * candidates[:, 0])
    turn = 2.0 * np.pi * candidates[:, 1]
    points = np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)
    holes = np.array([[hole.x, hole.y, hole.radius] for hole in part.holes])
    gaps = np.linalg.norm(points[:, None] - holes[None, :, :2], axis=2) - holes[None, :, 2]
    free = gaps.min(1) - margin - CHAMFER
    best = int(np.argmax(free > 0.0)) if (free > 0.0).any() else int(np.argmax(free))
    point: Points = points[best] + np.array([part.x, part.y])
    return point


def _crack_start(part: Part, rng: np.random.Generator) -> Tuple[Points, float]:
    """Cracks begin where stress is high: at a hole, or at the bore."""
    if rng.random() < 0.7:
        hole = part.holes[int(rng.integers(len(part.holes)))]
        centre, radius = np.array([part.x + hole.x, part.y + hole.y]), hole.radius
        outward = np.arctan2(hole.y, hole.x)
        heading = outward + rng.choice([-1.0, 1.0]) * rng.uniform(1.2, 2.6)
    else:
        centre, radius = np.array([part.x, part.y]), part.scale * BORE_RADIUS
        heading = part.angle + rng.uniform(-2.2, 2.2)
    return centre + radius * np.array([np.cos(heading), np.sin(heading)]), float(heading)


def _jagged(start: Points, heading: float, num_points: int, rng: np.random.Generator) -> Points:
    turns = heading + rng.normal(0.0, 0.5, num_points - 1)
    steps = np.stack([np.cos(turns), np.sin(turns)], 1) * rng.uniform(0.006, 0.016, (num_points - 1, 1))
    return np.concatenate([start[None], start + np.cumsum(steps, 0)])


def _stroke(path: Points, width: np.ndarray, size: int) -> np.ndarray:
    """Return the coverage, 0..1, of a line whose width changes along `path`."""
    canvas = np.zeros((size, size), np.uint8)
    points: List[Tuple[int, int]] = [_fixed(point, size) for point in path]
    for begin, end, thick in zip(points, points[1:], width):
        cv2.line(canvas, begin, end, 255, max(1, round(float(thick) * size)), cv2.LINE_AA, SHIFT)
    return canvas.astype(np.float32) / np.float32(255.0)


def _twist(path: Points, width: np.ndarray, size: int) -> np.ndarray:
    """Return the dark gaps between the strands of a yarn along `path`, 0..1."""
    canvas = np.zeros((size, size), np.uint8)
    legs = np.linalg.norm(np.diff(path, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(legs)])
    at = np.arange(0.0, travelled[-1], 0.010)
    centres = np.stack([np.interp(at, travelled, path[:, axis]) for axis in (0, 1)], 1)
    heading = np.arctan2(np.gradient(centres[:, 1]), np.gradient(centres[:, 0])) + 1.0
    across = np.stack([np.cos(heading), np.sin(heading)], 1) * (0.6 * float(width.mean()))
    for begin, end in zip(centres - across, centres + across):
        cv2.line(canvas, _fixed(begin, size), _fixed(end, size), 255, max(1, size // 200), cv2.LINE_AA, SHIFT)
    return canvas.astype(np.float32) / np.float32(255.0)


def _fixed(point: Points, size: int) -> Tuple[int, int]:
    return (
        round(canvas_index(float(point[0]), size) * 2**SHIFT),
        round(canvas_index(float(point[1]), size) * 2**SHIFT),
    )
