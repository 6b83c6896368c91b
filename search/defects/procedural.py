"""Textures drawn from fractal noise: marble, cloud, grain and weave, in random colours."""

from collections.abc import Callable

import cv2
import numpy as np

from search.defects.augment import rotate
from search.defects.noise import FloatMap, fractal_noise
from search.defects.style import Frame

Pattern = Callable[[np.random.Generator, tuple[int, int]], FloatMap]


def draw_texture(seed: int, index: int, shape_hw: tuple[int, int]) -> Frame:
    """Return texture `index` (H, W, 3) of the bank of `seed`: the four kinds in turn."""
    rng = np.random.default_rng((seed, index))
    pattern = PATTERNS[index % len(PATTERNS)](rng, shape_hw)
    return _colour(pattern, rng)


def _colour(pattern: FloatMap, rng: np.random.Generator) -> Frame:
    """Map levels 0..1 to a palette of two to four random colours."""
    colours = rng.uniform(0.0, 255.0, size=(int(rng.integers(2, 5)), 3))
    if rng.random() < 0.3:  # many real surfaces are gray
        colours[:] = colours[:, :1]
    stops = np.linspace(0.0, 255.0, len(colours))
    table = np.stack([np.interp(np.arange(256), stops, colours[:, c]) for c in range(3)], axis=1)
    levels = np.rint(np.clip(pattern, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.asarray(np.rint(table).astype(np.uint8)[levels], np.uint8)


def _positions(shape_hw: tuple[int, int], degrees: float) -> tuple[FloatMap, FloatMap]:
    """Return coordinates along and across a direction; the longer side of the frame is 1 long."""
    y, x = np.mgrid[: shape_hw[0], : shape_hw[1]].astype(np.float32) / np.float32(max(shape_hw))
    cos, sin = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
    return cos * x + sin * y, cos * y - sin * x


def _cloud(rng: np.random.Generator, shape_hw: tuple[int, int]) -> FloatMap:
    return fractal_noise(rng, shape_hw, cells=int(rng.integers(2, 9)), octaves=5, gain=rng.uniform(0.45, 0.7))


def _marble(rng: np.random.Generator, shape_hw: tuple[int, int]) -> FloatMap:
    """Stripes, bent by fractal noise."""
    along, _ = _positions(shape_hw, rng.uniform(0.0, 180.0))
    bend = fractal_noise(rng, shape_hw, cells=int(rng.integers(2, 6)), octaves=5)
    phase = np.float32(rng.uniform(3.0, 16.0)) * along + np.float32(rng.uniform(1.0, 4.0)) * bend
    return np.float32(0.5) + np.float32(0.5) * np.sin(np.float32(2.0 * np.pi) * phase)


def _grain(rng: np.random.Generator, shape_hw: tuple[int, int]) -> FloatMap:
    """White noise, smeared more one way than the other, as on brushed metal or wood; over uneven light."""
    longer = max(shape_hw)
    speckle = rng.standard_normal((longer, longer), dtype=np.float32)
    sigma_x, sigma_y = rng.uniform(0.5, 8.0) * longer / 256, rng.uniform(0.3, 1.2) * longer / 256
    speckle = np.asarray(cv2.GaussianBlur(speckle, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), np.float32)
    speckle /= np.float32(max(2.0 * speckle.std(), 1e-6))
    turned = rotate(speckle, rng.uniform(0.0, 180.0), shape_hw=shape_hw, border=cv2.BORDER_REFLECT_101)
    light = fractal_noise(rng, shape_hw, cells=2, octaves=2)
    depth = np.float32(rng.uniform(0.2, 0.8))
    return light + depth * (np.float32(0.5) + np.float32(0.5) * turned - light)


def _weave(rng: np.random.Generator, shape_hw: tuple[int, int]) -> FloatMap:
    """Threads of two directions that pass over and under each other, slightly bent and uneven."""
    along, across = _positions(shape_hw, rng.uniform(0.0, 90.0))
    bend = fractal_noise(rng, shape_hw, cells=3, octaves=3) * np.float32(rng.uniform(0.0, 1.5))
    u = along * np.float32(rng.uniform(8.0, 40.0)) + bend
    v = across * np.float32(rng.uniform(8.0, 40.0)) + bend
    warp, weft = (
        np.abs(np.sin(np.float32(np.pi) * t)) for t in (u, v)
    )  # bright along the middle of a thread
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    threads: FloatMap = np.where(over, np.float32(0.45) + np.float32(0.55) * warp, np.float32(0.55) * weft)
    fibres = fractal_noise(rng, shape_hw, cells=24, octaves=3)
    return threads * (np.float32(0.7) + np.float32(0.3) * fibres)


PATTERNS: tuple[Pattern, ...] = (_marble, _cloud, _grain, _weave)
