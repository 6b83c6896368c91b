"""One picture of the demo part: draws everything that varies, then renders it, good or with a defect.

Everything of the good picture is drawn before the defect, so the same generator state gives the same part
with and without it: a frame and its defect-free twin.
"""

from dataclasses import dataclass
from typing import Optional, Tuple

import cv2
import numpy as np

from inspector.demo_part.defects import DRAW, Defect
from inspector.demo_part.geometry import Part, Plan, draw_part, height_of, lay_out
from inspector.demo_part.light import (
    BELT_BGR,
    STEEL_BGR,
    Camera,
    Finish,
    Light,
    draw_camera,
    draw_light,
    expose,
    shade_ground,
    shade_metal,
)
from inspector.demo_part.texture import belt, cloud, turning_marks

DEFECT_KINDS: Tuple[str, ...] = tuple(DRAW)
OVERSAMPLING = 2
COVERED = 0.4  # a pixel belongs to the mask when the defect covers this much of it


@dataclass(frozen=True)
class Scene:
    """All that makes one good picture; `texture_seed` fixes the marks, the belt and the sensor noise."""

    part: Part
    light: Light
    camera: Camera
    belt_phase: Tuple[float, float]
    texture_seed: int


def render_good(rng: np.random.Generator, *, size_px: int = 256) -> np.ndarray:
    """Return a frame of a good part."""
    return _render(_draw_scene(rng), None, size_px)


def render_defect(
    kind: str, rng: np.random.Generator, *, size_px: int = 256
) -> Tuple[np.ndarray, np.ndarray]:
    """Return a frame of a part with one defect, and the defect's mask (0 or 1).

    Raises:
        ValueError: `kind` is not one of DEFECT_KINDS.
    """
    if kind not in DRAW:
        raise ValueError(f"unknown defect {kind!r}; known are {', '.join(DEFECT_KINDS)}")
    scene = _draw_scene(rng)
    defect = DRAW[kind](scene.part, lay_out(scene.part, size=OVERSAMPLING * size_px), rng)
    mask = (_shrink(defect.cover, size_px) > COVERED).astype(np.uint8)
    return _render(scene, defect, size_px), mask


def _draw_scene(rng: np.random.Generator) -> Scene:
    part, light, camera = draw_part(rng), draw_light(rng), draw_camera(rng)
    phase_x, phase_y = rng.uniform(0.0, 2.0 * np.pi, 2)
    return Scene(part, light, camera, (float(phase_x), float(phase_y)), int(rng.integers(2**62)))


def _render(scene: Scene, defect: Optional[Defect], size_px: int) -> np.ndarray:
    rng = np.random.default_rng(scene.texture_seed)
    part = scene.part
    if defect is not None and defect.missing_hole is not None:
        part = part.without_hole(defect.missing_hole)
    weave = belt(scene.belt_phase, rng, size=size_px)
    ground = shade_ground(lay_out(part, size=size_px), part, weave, scene.light)
    plan = lay_out(part, size=OVERSAMPLING * size_px)
    steel = _steel(scene, part, plan, defect, rng)
    return expose(_compose(steel, plan.metal, ground, defect), scene.camera, rng)


def _steel(
    scene: Scene, part: Part, plan: Plan, defect: Optional[Defect], rng: np.random.Generator
) -> np.ndarray:
    """Return the light from the metal, (S, S), with what the defect does to its surface."""
    marks = turning_marks(part, rng, size=plan.size)
    reflectance = np.float32(0.05) * (cloud(rng, cells=6, size=plan.size) + marks) + np.float32(1.0)
    height = height_of(part, plan)
    if defect is None:
        return shade_metal(plan, height, Finish(marks, reflectance), scene.light)
    if defect.height is not None:
        height = height + defect.height
    if defect.reflectance is not None:
        reflectance = reflectance * defect.reflectance
    return shade_metal(plan, height, Finish(marks, reflectance, defect.polish), scene.light)


def _compose(
    steel: np.ndarray, metal: np.ndarray, ground: np.ndarray, defect: Optional[Defect]
) -> np.ndarray:
    """Return the light at each camera pixel, (H, W, 3); `ground` is (H, W), the others (S, S)."""
    size_px = ground.shape[0]
    steel, clear = steel * metal, np.float32(1.0) - metal
    paint = None if defect is None else defect.paint
    for passes in (
        None if defect is None else defect.shade,
        None if paint is None else np.float32(1.0) - paint,
    ):
        if passes is not None:
            steel, clear = steel * passes, clear * passes
    bgr = _shrink(steel, size_px)[:, :, None] * np.asarray(STEEL_BGR, np.float32)
    bgr += (ground * _shrink(clear, size_px))[:, :, None] * np.asarray(BELT_BGR, np.float32)
    if defect is not None and paint is not None:
        light = paint if defect.paint_light is None else defect.paint_light
        bgr += _shrink(light, size_px)[:, :, None] * np.asarray(defect.paint_bgr, np.float32)
    return bgr


def _shrink(field: np.ndarray, size_px: int) -> np.ndarray:
    return cv2.resize(field, (size_px, size_px), interpolation=cv2.INTER_AREA)
