"""The vectorised noise is Perlin's: against one pixel at a time, and against the `noise` package."""

import math

import numpy as np
import pytest

from search.defects.noise import draw_gradients, fractal_noise, perlin_noise


def _fade(t):
    return 6 * t**5 - 15 * t**4 + 10 * t**3


def _one_pixel(gradients, y, x):
    """Perlin noise at a point given in cells, as the text book writes it."""
    i, j = int(y), int(x)
    v, u = y - i, x - j

    def corner(di, dj):
        gy, gx = gradients[:, i + di, j + dj]
        return gy * (v - di) + gx * (u - dj)

    top = (1 - _fade(u)) * corner(0, 0) + _fade(u) * corner(0, 1)
    bottom = (1 - _fade(u)) * corner(1, 0) + _fade(u) * corner(1, 1)
    return math.sqrt(2) * ((1 - _fade(v)) * top + _fade(v) * bottom)


@pytest.mark.parametrize("cells_yx", [(1, 1), (4, 4), (1, 32), (16, 2), (5, 3)])
@pytest.mark.parametrize("shape_hw", [(32, 32), (31, 45), (7, 1)])
def test_equals_one_pixel_at_a_time(cells_yx, shape_hw):
    gradients = draw_gradients(np.random.default_rng(0), cells_yx)
    height, width = shape_hw
    expected = [
        [_one_pixel(gradients, y * cells_yx[0] / height, x * cells_yx[1] / width) for x in range(width)]
        for y in range(height)
    ]
    noise = perlin_noise(gradients, shape_hw)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise, expected, atol=1e-6, rtol=0)


def test_equals_the_noise_package_given_its_gradients():
    pnoise2 = pytest.importorskip("noise").pnoise2
    cells, size, step = 4, 64, 0.01
    # At a grid point the fade is flat, so that the slope of the noise there is the package's own gradient.
    gradients = np.array(
        [
            [[round(pnoise2(j, i + step) / step) for j in range(cells + 1)] for i in range(cells + 1)],
            [[round(pnoise2(j + step, i) / step) for j in range(cells + 1)] for i in range(cells + 1)],
        ],
        np.float32,
    )
    assert np.abs(gradients).sum(axis=0).min() >= 1  # none of them vanishes
    expected = [[pnoise2(x * cells / size, y * cells / size) for x in range(size)] for y in range(size)]
    noise = perlin_noise(gradients, (size, size)) / math.sqrt(2)
    np.testing.assert_allclose(noise, expected, atol=2e-6, rtol=0)


def test_is_zero_at_the_grid_points():
    noise = perlin_noise(draw_gradients(np.random.default_rng(1), (4, 8)), (32, 32))
    np.testing.assert_allclose(noise[::8, ::4], 0.0, atol=1e-7)
    assert np.abs(noise).max() > 0.5


def test_stays_within_minus_one_and_one_and_has_no_bias():
    rng = np.random.default_rng(2)
    maps = np.stack([perlin_noise(draw_gradients(rng, (8, 8)), (64, 64)) for _ in range(50)])
    assert np.abs(maps).max() <= 1.0
    assert np.abs(maps).max() > 0.8
    assert abs(maps.mean()) < 0.01


def test_gradients_are_unit_vectors_in_all_directions():
    gradients = draw_gradients(np.random.default_rng(3), (31, 31))
    assert gradients.shape == (2, 32, 32)
    np.testing.assert_allclose(np.hypot(*gradients), 1.0, atol=1e-6)
    quadrants = np.unique(np.sign(gradients).reshape(2, -1), axis=1)
    assert quadrants.shape[1] == 4


@pytest.mark.parametrize("shape_hw", [(40, 40), (20, 50), (1, 9)])
def test_fractal_noise_fills_zero_to_one(shape_hw):
    noise = fractal_noise(np.random.default_rng(4), shape_hw, cells=3, octaves=4)
    assert noise.shape == shape_hw
    assert noise.min() == 0.0
    assert noise.max() == pytest.approx(1.0)
