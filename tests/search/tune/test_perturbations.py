"""Each perturbation by tables: shapes, identity, a stronger one changes more, and its own physics."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from search.tune.perturbations import (
    PERTURBATIONS,
    Frame,
    Mask,
    daylight_gains,
    is_gray,
    perturb,
    to_levels,
    to_linear,
)
from tests.conftest import draw_part

SHAPE_HW = (48, 64)
RISING = {  # three strengths of each kind, from barely visible to strong
    "exposure": (0.2, 0.6, 1.5),
    "white_balance": (10.0, 30.0, 80.0),
    "defocus": (1.5, 3.0, 7.0),
    "motion_blur": (2.0, 5.0, 11.0),
    "sensor_noise": (0.01, 0.04, 0.15),
    "jpeg": (20.0, 60.0, 95.0),
    "shift": (2.0, 6.0, 15.0),
    "rotation": (1.0, 4.0, 12.0),
    "shading": (0.1, 0.3, 0.8),
}


def colourful(seed: int = 0) -> Frame:
    return np.dstack([draw_part(seed + channel, SHAPE_HW)[..., 0] for channel in range(3)])


def blob() -> Mask:
    mask = np.zeros(SHAPE_HW, np.uint8)
    mask[18:30, 22:40] = 1
    return mask


def seen(kind: str, strength: float, *, seed: int = 0, frame: Frame | None = None) -> tuple[Frame, Mask]:
    frame = colourful() if frame is None else frame
    return tuple(perturb(frame, blob(), kind=kind, strength=strength, rng=np.random.default_rng(seed)))  # type: ignore[return-value]


def change(kind: str, strength: float) -> float:
    """The mean difference of levels over a few directions."""
    pairs = [seen(kind, strength, seed=seed)[0] for seed in range(6)]
    return float(np.mean([np.abs(frame.astype(int) - colourful()).mean() for frame in pairs]))


def test_every_kind_is_in_the_table_of_strengths() -> None:
    assert RISING.keys() == PERTURBATIONS.keys()


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_frame_and_mask_keep_shape_and_type_and_the_arguments_stay(kind: str) -> None:
    frame, mask = colourful(), blob()
    after, moved = perturb(frame, mask, kind=kind, strength=RISING[kind][1], rng=np.random.default_rng(0))
    assert (after.shape, after.dtype, moved.shape, moved.dtype) == (frame.shape, np.uint8, SHAPE_HW, np.uint8)
    assert set(np.unique(moved)) == {0, 1}
    assert np.array_equal(frame, colourful())
    assert np.array_equal(mask, blob())


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_strength_zero_is_the_identity(kind: str) -> None:
    after, mask = seen(kind, 0.0)
    assert np.array_equal(after, colourful())
    assert np.array_equal(mask, blob())


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_a_stronger_one_changes_more(kind: str) -> None:
    low, middle, high = (change(kind, strength) for strength in RISING[kind])
    assert 0 < low < middle < high


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_the_picture_depends_on_the_random_state_alone(kind: str) -> None:
    first, second = seen(kind, RISING[kind][1], seed=3), seen(kind, RISING[kind][1], seed=3)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


@pytest.mark.parametrize("kind", sorted(set(PERTURBATIONS) - {"defocus", "jpeg"}))
def test_another_random_state_draws_another_sign_or_direction(kind: str) -> None:
    pictures = [seen(kind, RISING[kind][1], seed=seed)[0] for seed in range(8)]
    assert len({picture.tobytes() for picture in pictures}) > 1


@pytest.mark.parametrize("kind", sorted(set(PERTURBATIONS) - {"white_balance"}))
def test_a_gray_picture_stays_gray(kind: str) -> None:
    after, _ = seen(kind, RISING[kind][1], frame=draw_part(0, SHAPE_HW))
    assert is_gray(after)


def test_white_balance_colours_a_gray_picture() -> None:
    assert not is_gray(seen("white_balance", 30.0, frame=draw_part(0, SHAPE_HW))[0])


@pytest.mark.parametrize("kind", PERTURBATIONS)
@pytest.mark.parametrize("beyond", [-0.1, 1.01])
def test_a_strength_out_of_range_is_refused_with_its_unit(kind: str, beyond: float) -> None:
    largest = PERTURBATIONS[kind].largest
    with pytest.raises(ValueError, match=f"the strength of {kind} is .*; it must be from 0 to {largest:g}"):
        seen(kind, beyond * largest)


@pytest.mark.parametrize("kind", ["shift", "rotation"])
def test_the_mask_moves_with_its_defect(kind: str) -> None:
    bright = np.zeros((*SHAPE_HW, 3), np.uint8)
    bright[blob() > 0] = 255
    after, mask = seen(kind, RISING[kind][2], frame=bright)
    assert not np.array_equal(mask, blob())
    assert np.array_equal(mask, (after[..., 0] > 127).astype(np.uint8))


@pytest.mark.parametrize("kind", [k for k, p in PERTURBATIONS.items() if p.move is None])
def test_the_mask_stays_where_only_light_changes(kind: str) -> None:
    assert np.array_equal(seen(kind, RISING[kind][2])[1], blob())


def test_levels_survive_the_way_through_linear_light() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frame = np.dstack([levels, levels, levels])
    assert np.array_equal(to_levels(to_linear(frame)), frame)


def test_one_stop_halves_or_doubles_the_light() -> None:
    gray = np.full((*SHAPE_HW, 3), 120, np.uint8)
    before = float(to_linear(gray).mean())
    ratios = {
        round(float(to_linear(seen("exposure", 1.0, seed=seed, frame=gray)[0]).mean()) / before, 1)
        for seed in range(8)
    }
    assert ratios == {0.5, 2.0}


def test_warmer_light_is_redder_and_cooler_light_bluer() -> None:
    blue, green, red = daylight_gains(30.0)
    assert blue < green == 1.0 < red
    blue, green, red = daylight_gains(-30.0)
    assert blue > green == 1.0 > red
    assert np.allclose(daylight_gains(0.0), 1.0)


@pytest.mark.parametrize(("kind", "strength"), [("defocus", 7.0), ("motion_blur", 9.0)])
def test_blur_spreads_a_point_of_light_and_loses_none(kind: str, strength: float) -> None:
    point = np.zeros((*SHAPE_HW, 3), np.uint8)
    point[24, 32] = 255
    light = to_linear(seen(kind, strength, frame=point)[0])[..., 0]
    assert light.sum() == pytest.approx(1.0, rel=0.1)  # but for the rounding to levels
    rows, columns = np.nonzero(light > 0.3 * light.max())
    reach = float(np.hypot(rows - rows.mean(), columns - columns.mean()).max())
    assert reach == pytest.approx(strength / 2, abs=1.0)


@pytest.mark.parametrize("level", [240, 188, 100])
def test_shot_noise_grows_with_the_root_of_the_light(level: int) -> None:
    flat = np.full((64, 64, 3), level, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    noisy = perturb(flat, mask, kind="sensor_noise", strength=0.02, rng=np.random.default_rng(0)).frame
    light = float(to_linear(flat).mean())
    assert float(to_linear(noisy).std()) == pytest.approx(0.02 * np.sqrt(light + 0.01), rel=0.1)


def test_jpeg_is_the_quality_below_one_hundred() -> None:
    _, data = cv2.imencode(".jpg", colourful(), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert np.array_equal(seen("jpeg", 40.0)[0], cv2.imdecode(data, cv2.IMREAD_COLOR))


def test_a_shift_moves_by_its_percentage() -> None:
    point = np.zeros((*SHAPE_HW, 3), np.uint8)
    point[22:27, 30:35] = 255
    y, x = (float(axis.mean()) for axis in np.nonzero(seen("shift", 10.0, frame=point)[0][..., 0] > 127))
    assert np.hypot((y - 24) / SHAPE_HW[0], (x - 32) / SHAPE_HW[1]) == pytest.approx(0.10, abs=0.015)


def test_shading_leaves_one_edge_alone_and_darkens_the_other_by_its_share() -> None:
    flat = np.full((*SHAPE_HW, 3), 200, np.uint8)
    light = to_linear(seen("shading", 0.4, frame=flat)[0]) / to_linear(flat)
    assert float(light.max()) == pytest.approx(1.0, abs=0.02)
    assert float(light.min()) == pytest.approx(0.6, abs=0.02)
