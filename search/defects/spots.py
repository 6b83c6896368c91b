"""Spots: pits, blowholes, drops and stains, alone or in clusters; irregular, long or round, hard or soft."""

import numpy as np
import numpy.typing as npt

from search.defects.draws import anywhere, log_uniform, side_px
from search.defects.stamp import Points, Stamp, box_around, draw_polygons, smooth_field, soften

Radii = npt.NDArray[np.float64]

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 28, endpoint=False)
_HARMONICS = np.arange(1, 6)


def blob(rng: np.random.Generator, *, radius_px: float, roughness: float, num_corners: int = 28) -> Points:
    """Return the outline of an irregular, perhaps stretched blob around (0, 0).

    Args:
        roughness: 0 is an ellipse; at 0.5 the outline has deep bays.
        num_corners: Fewer make it angular, as where something broke off.
    """
    angles = _ANGLES if num_corners == len(_ANGLES) else np.sort(rng.uniform(0.0, 2.0 * np.pi, num_corners))
    outline: Points = blobs(rng, radii_px=np.array([radius_px]), roughness=roughness, angles=angles)[0]
    return outline


def blobs(
    rng: np.random.Generator, *, radii_px: Radii, roughness: float, angles: Radii = _ANGLES
) -> npt.NDArray[np.float64]:
    """Return an outline around (0, 0) for each radius, (len(radii_px), len(angles), 2), as `blob` does."""
    number = (len(radii_px), 1)
    waves = rng.standard_normal((len(radii_px), len(_HARMONICS))) * (roughness / _HARMONICS)
    phases = rng.random((len(radii_px), 1, len(_HARMONICS))) * (2.0 * np.pi)
    ripple = np.cos(angles[:, None] * _HARMONICS + phases) @ waves[..., None]  # (n, angles, 1)
    radius = radii_px[:, None] * np.exp(ripple[..., 0])
    stretch = np.exp(0.7 * rng.random(number))
    along, across = radius * np.cos(angles) * stretch, radius * np.sin(angles) / stretch
    turn = np.pi * rng.random(number)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack((cos * along - sin * across, sin * along + cos * across), axis=-1)


def spot(shape_hw: tuple[int, int], rng: np.random.Generator) -> Stamp | None:
    """Return one spot; its radius is 0.8 to 12 % of the frame's side, small ones as likely as large ones."""
    side = side_px(shape_hw)
    radius = side * log_uniform(rng, 0.008, 0.12)
    outline = blob(rng, radius_px=radius, roughness=rng.uniform(0.0, 0.4)) + anywhere(shape_hw, rng)
    return _stamp([outline], shape_hw, rng, radius_px=radius)


def cluster(shape_hw: tuple[int, int], rng: np.random.Generator) -> Stamp | None:
    """Return 3 to 14 small spots that lie close to each other."""
    side = side_px(shape_hw)
    spread = side * log_uniform(rng, 0.02, 0.12)
    typical = side * log_uniform(rng, 0.006, 0.025)
    number = int(rng.integers(3, 15))
    middle = anywhere(shape_hw, rng)
    scatter = rng.normal(0.0, spread, (number, 2)) * np.exp(rng.uniform(-0.7, 0.7, 2))
    radii = typical * np.exp(rng.normal(0.0, 0.4, number))
    outlines = blobs(rng, radii_px=radii, roughness=0.25) + (middle + scatter)[:, None]
    return _stamp(list(outlines), shape_hw, rng, radius_px=typical)


def _stamp(
    outlines: list[Points], shape_hw: tuple[int, int], rng: np.random.Generator, *, radius_px: float
) -> Stamp | None:
    sigma = radius_px * rng.uniform(0.0, 0.4)
    box = box_around(np.concatenate(outlines), shape_hw, margin_px=2.0 * sigma + 1.0)
    if box is None:
        return None
    alpha = soften(draw_polygons(outlines, box), sigma_px=sigma)
    if radius_px > 4.0 and rng.random() < 0.35:  # mottled, as dirt and corrosion are
        alpha *= np.clip(2.0 * smooth_field(rng, box.shape_hw, cells=int(rng.integers(3, 9))), 0.0, 1.0)
    return Stamp(alpha, box, radius_px)
