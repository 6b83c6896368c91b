"""Gradient noise after Perlin, evaluated for a whole map at once.

Source: Perlin, "Improving Noise" (2002): the fade curve; DRAEM's code for the random unit gradients and the
factor sqrt(2), which brings the range to -1..1.
Differs from the source: the size need not be a multiple of the number of cells.

The noise of a pixel in a cell is a bilinear blend of four dot products. Everything that depends on the column
alone is done once for each row of grid points, not for each pixel; then every pixel row blends two such rows:

    noise(y, x) = (1 - u) [A_i(x) + v B_i(x)] + u [A_i+1(x) + (v - 1) B_i+1(x)],    u = fade(v)
    A_i(x), B_i(x): the x part of the dot product, and the y gradient, blended along grid row i

No matrix product is used: those of BLAS may round differently with another number of threads.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatMap = npt.NDArray[np.float32]


class _Axis(NamedTuple):
    """Where the pixels of one axis lie in their cells."""

    cell: npt.NDArray[np.intp]  # which cell
    offset: FloatMap  # 0..1 within the cell
    weight: FloatMap  # fade(offset): how much the far grid point counts


@lru_cache(maxsize=64)  # the same few (cells, size) come back for every sample
def _axis(num_cells: int, size: int) -> _Axis:
    cell, rest = np.divmod(np.arange(size) * num_cells, size)
    offset = rest / size
    weight = offset**3 * (offset * (6.0 * offset - 15.0) + 10.0)
    axis = _Axis(cell, offset.astype(np.float32), weight.astype(np.float32))
    for array in axis:
        array.setflags(write=False)
    return axis


def draw_gradients(rng: np.random.Generator, cells_yx: tuple[int, int]) -> FloatMap:
    """Return a random unit vector for each grid point (2, cells_y + 1, cells_x + 1), y component first."""
    angle = rng.random((cells_yx[0] + 1, cells_yx[1] + 1), dtype=np.float32) * np.float32(2.0 * np.pi)
    return np.stack((np.sin(angle), np.cos(angle)))


def perlin_noise(gradients: FloatMap, shape_hw: tuple[int, int]) -> FloatMap:
    """Return the noise (H, W) of a grid of gradients stretched over the map; zero at the grid points.

    Args:
        gradients: (2, cells_y + 1, cells_x + 1), y component first. Of unit length they give values in -1..1.
    """
    num_rows, num_columns = gradients.shape[1] - 1, gradients.shape[2] - 1
    y, x = _axis(num_rows, shape_hw[0]), _axis(num_columns, shape_hw[1])
    near, far = gradients.take(x.cell, axis=2), gradients.take(x.cell + 1, axis=2)
    near[1] *= x.offset
    far[1] *= x.offset - 1.0
    far -= near
    far *= x.weight
    B, A = np.float32(np.sqrt(2.0)) * (near + far)  # (cells_y + 1, W) each

    v, u = y.offset[:, None], y.weight[:, None]
    noise: FloatMap = A[y.cell] + v * B[y.cell]
    below = A[y.cell + 1] + (v - 1.0) * B[y.cell + 1]
    below -= noise
    below *= u
    noise += below
    return noise


def fractal_noise(
    rng: np.random.Generator, shape_hw: tuple[int, int], *, cells: int, octaves: int, gain: float = 0.5
) -> FloatMap:
    """Return a sum of noises (H, W), each twice as fine and `gain` times as strong as the last, in 0..1.

    Args:
        cells: Cells of the coarsest noise along the longer side.
    """
    longer = max(shape_hw)
    total = np.zeros(shape_hw, np.float32)
    for octave in range(octaves):
        wanted = cells * 2**octave
        cells_yx = (
            max(1, round(wanted * shape_hw[0] / longer)),
            max(1, round(wanted * shape_hw[1] / longer)),
        )
        total += np.float32(gain**octave) * perlin_noise(draw_gradients(rng, cells_yx), shape_hw)
    low, high = float(total.min()), float(total.max())
    return (total - np.float32(low)) / np.float32(max(high - low, 1e-6))
