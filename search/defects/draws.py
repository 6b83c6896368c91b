"""Random sizes and places relative to a frame, as the surface defects need them."""

import numpy as np
import numpy.typing as npt


def side_px(shape_hw: tuple[int, int]) -> float:
    """Return the side of the square of the same area: what sizes are shares of."""
    return float(np.sqrt(shape_hw[0] * shape_hw[1]))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: small ones are as likely as large ones."""
    return float(low * (high / low) ** rng.random())


def draw_number(rng: np.random.Generator, chances: tuple[float, ...]) -> int:
    """Draw 0, 1, 2, ..., each with its chance; a tenth of the time of `rng.choice`."""
    rest = rng.random()
    for number, chance in enumerate(chances):
        rest -= chance
        if rest < 0.0:
            return number
    return len(chances) - 1


def random_sign(rng: np.random.Generator) -> float:
    """Draw -1 or 1."""
    return 1.0 if rng.random() < 0.5 else -1.0


def anywhere(shape_hw: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw a place (x, y) in the frame."""
    return rng.uniform(0.0, 1.0, 2) * (shape_hw[1] - 1, shape_hw[0] - 1)
