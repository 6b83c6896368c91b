"""What the generator is measured against: other ways to the same noise, and anomalib's generator."""

import importlib
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from search.defects.noise import FloatMap
from search.defects.style import Frame


def plain_noise(gradients: FloatMap, size: int) -> list[list[float]]:
    """Perlin noise as the text book writes it, one pixel after the other."""
    gradient_y, gradient_x = gradients.tolist()
    num_rows, num_columns = len(gradient_y) - 1, len(gradient_y[0]) - 1

    root_of_two = math.sqrt(2.0)

    def fade(t: float) -> float:
        return t * t * t * (t * (6.0 * t - 15.0) + 10.0)

    def pixel(y: float, x: float) -> float:
        i, j = int(y), int(x)
        v, u = y - i, x - j
        above = gradient_y[i][j] * v + gradient_x[i][j] * u
        above_right = gradient_y[i][j + 1] * v + gradient_x[i][j + 1] * (u - 1.0)
        below = gradient_y[i + 1][j] * (v - 1.0) + gradient_x[i + 1][j] * u
        below_right = gradient_y[i + 1][j + 1] * (v - 1.0) + gradient_x[i + 1][j + 1] * (u - 1.0)
        top = above + fade(u) * (above_right - above)
        bottom = below + fade(u) * (below_right - below)
        value: float = root_of_two * (top + fade(v) * (bottom - top))
        return value

    return [[pixel(y * num_rows / size, x * num_columns / size) for x in range(size)] for y in range(size)]


def package_noise() -> Callable[[FloatMap, int], list[list[float]]] | None:
    """Return the same by the `noise` package: C, one call a pixel, own gradients. None where missing."""
    if importlib.util.find_spec("noise") is None:
        return None
    from noise import pnoise2

    def run(gradients: FloatMap, size: int) -> list[list[float]]:
        num_rows, num_columns = gradients.shape[1] - 1, gradients.shape[2] - 1
        return [
            [pnoise2(x * num_columns / size, y * num_rows / size) for x in range(size)] for y in range(size)
        ]

    return run


def anomalib_sample(frame: Frame, textures: list[Frame], folder: Path) -> Callable[[], object] | None:
    """Return anomalib's generator on the same frame and textures, one thread; None where it is missing.

    It reads and decodes a texture file for each sample anew, so the textures are written to `folder` first.
    """
    if importlib.util.find_spec("anomalib") is None:
        return None
    torch = importlib.import_module("torch")
    perlin = importlib.import_module("anomalib.data.utils.generators.perlin")
    torch.set_num_threads(1)
    for index, texture in enumerate(textures):
        cv2.imwrite(str(folder / f"{index}.jpg"), texture)
    generator = perlin.PerlinAnomalyGenerator(anomaly_source_path=folder, probability=1.0)
    image = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1].transpose(2, 0, 1))).float() / 255.0
    return lambda: generator(image)
