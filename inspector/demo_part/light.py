"""Light and camera: shades the surface, then turns light into the pixels of a sensor.

Differs from physics: one distant lamp and a constant surrounding; the highlight is Ward's anisotropic lobe
without its normalisation; the camera's curve is a square root.
"""

from dataclasses import dataclass
from typing import Optional, Tuple

import cv2
import numpy as np

from inspector.demo_part.geometry import BODY_RADIUS, CHAMFER, HUB_RADIUS, Part, Plan

STEEL_BGR = (1.00, 0.97, 0.93)
BELT_BGR = (0.95, 1.00, 0.88)


@dataclass(frozen=True)
class Light:
    """A lamp: unit direction towards it, and its strength beside that of the surrounding."""

    direction: Tuple[float, float, float]
    strength: float
    surrounding: float


@dataclass(frozen=True)
class Camera:
    """Exposure, colour balance (BGR), defocus in fractions of the width, vignetting, and noise in 0..1."""

    exposure: float
    balance: Tuple[float, float, float]
    defocus: float
    vignetting: float
    read_noise: float
    shot_noise: float


@dataclass(frozen=True)
class Finish:
    """What lies on the shape: tool marks (tilt), reflectance, and a polish that replaces the marks (0..1)."""

    marks: np.ndarray
    reflectance: np.ndarray
    polish: Optional[np.ndarray] = None


def draw_light(rng: np.random.Generator) -> Light:
    """Draw a lamp at the upper left, higher or lower, stronger or weaker."""
    azimuth = np.deg2rad(rng.uniform(-160.0, -110.0))
    elevation = np.deg2rad(rng.uniform(48.0, 62.0))
    flat = np.cos(elevation)
    direction = (float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), float(np.sin(elevation)))
    return Light(direction, float(rng.uniform(0.85, 1.15)), float(rng.uniform(0.08, 0.13)))


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw the camera's state for one picture."""
    warmth = float(rng.uniform(-0.025, 0.025))
    return Camera(
        exposure=float(rng.uniform(0.85, 1.15)),
        balance=(1.0 - warmth, 1.0, 1.0 + warmth),
        defocus=float(rng.uniform(0.0012, 0.0030)),
        vignetting=float(rng.uniform(0.10, 0.30)),
        read_noise=float(rng.uniform(0.004, 0.008)),
        shot_noise=float(rng.uniform(0.0001, 0.0002)),
    )


def shade_metal(plan: Plan, height: np.ndarray, finish: Finish, light: Light) -> np.ndarray:
    """Return the light that the metal sends to the camera, (S, S), 1 = white."""
    slope_x, slope_y = gradient(height)
    steep = np.float32(1.0) / np.sqrt(np.float32(1.0) + slope_x * slope_x + slope_y * slope_y)
    lx, ly, lz = (np.float32(c) for c in light.direction)
    diffuse = np.maximum((lz - lx * slope_x - ly * slope_y) * steep, 0.0)
    seen: np.ndarray = _highlight(plan, finish, light, slope_x, slope_y) * np.float32(0.42 * light.strength)
    seen += steep * np.float32(0.45 * light.surrounding) + np.float32(0.55 * light.surrounding)
    seen += diffuse * np.float32(0.20 * light.strength)
    seen *= finish.reflectance
    return seen


def shade_ground(plan: Plan, part: Part, belt: np.ndarray, light: Light) -> np.ndarray:
    """Return the light from what is not metal: the belt with the part's shadow, and the walls of holes."""
    lx, ly, _ = (np.float32(c) for c in light.direction)
    reach = np.float32(0.03)
    away = cv2.magnitude(plan.dx + lx * reach, plan.dy + ly * reach)
    lit = np.clip((away - np.float32(part.scale * BODY_RADIUS - 0.012)) / np.float32(0.04), 0.0, 1.0)
    light_on_belt = np.float32(0.25) + np.float32(0.75 * light.strength) * lit
    edge_x, edge_y = gradient(plan.inside)
    towards = np.maximum(-(edge_x * lx + edge_y * ly), 0.0)
    deep = np.exp(np.minimum(plan.inside, 0.0) / np.float32(0.010))
    wall = np.float32(0.012) + np.float32(0.16 * light.strength) * towards * deep
    in_hole = plan.radius < np.float32(part.scale * BODY_RADIUS - 2.0 * CHAMFER)
    ground: np.ndarray = np.where(in_hole, wall, belt * light_on_belt)
    return ground


def expose(scene_bgr: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Return the frame that the camera makes of light (H, W, 3)."""
    size = scene_bgr.shape[0]
    grid = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    falloff = 1.0 - np.float32(0.5 * camera.vignetting) * (grid[:, None] ** 2 + grid[None, :] ** 2)
    gain = np.float32(camera.exposure) * np.asarray(camera.balance, np.float32)
    seen = cv2.GaussianBlur(scene_bgr, (0, 0), max(0.3, camera.defocus * size))
    value = np.sqrt(np.maximum(seen * falloff[:, :, None] * gain, 0.0))
    noise = rng.standard_normal(value.shape, dtype=np.float32)
    value += noise * np.sqrt(np.float32(camera.read_noise**2) + np.float32(camera.shot_noise) * value)
    frame: np.ndarray = np.clip(value * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    return frame


def gradient(field: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return d field / dx and d field / dy for x, y in fractions of the width."""
    scale = 0.5 * field.shape[0]
    return (
        cv2.Sobel(field, cv2.CV_32F, 1, 0, ksize=1, scale=scale),
        cv2.Sobel(field, cv2.CV_32F, 0, 1, ksize=1, scale=scale),
    )


def _highlight(
    plan: Plan, finish: Finish, light: Light, slope_x: np.ndarray, slope_y: np.ndarray
) -> np.ndarray:
    """Ward's lobe: narrow along the tool marks, wide across them, so that turned metal shows a bow tie."""
    half = np.asarray(light.direction, np.float32) + np.asarray((0.0, 0.0, 1.0), np.float32)
    hx, hy, hz = half / np.linalg.norm(half)
    tilt_x, tilt_y = hx + hz * slope_x, hy + hz * slope_y
    across = (tilt_x * plan.dx + tilt_y * plan.dy) / plan.radius
    along = (tilt_y * plan.dx - tilt_x * plan.dy) / plan.radius
    across += np.float32(0.16) * finish.marks
    turned: np.ndarray = np.exp(
        along * along / np.float32(-(0.13**2)) + across * across / np.float32(-(0.42**2))
    )
    turned[plan.radius < np.float32(HUB_RADIUS)] *= np.float32(0.75)
    if finish.polish is None:
        return turned
    polished: np.ndarray = np.exp((tilt_x * tilt_x + tilt_y * tilt_y) / np.float32(-(0.30**2)))
    turned += finish.polish * (polished - turned)
    return turned
