from pathlib import Path

import pytest

from inspector.dataset import Sample, split_good
from inspector.errors import DatasetError


def samples(*group_sizes: int, kind: str = "good") -> list[Sample]:
    return [
        Sample(f"{group}/{i}.png", Path(f"{group}/{i}.png"), kind, None, f"g{group}")
        for group, size in enumerate(group_sizes)
        for i in range(size)
    ]


@pytest.mark.parametrize(
    "sizes", [(1,) * 100, (6,) * 40, (1, 1, 100), (100, 1, 1, 1), (1, 1, 1), (3, 5, 8, 2)]
)
@pytest.mark.parametrize("seed", range(5))
def test_parts_are_a_partition_by_group(sizes: tuple[int, ...], seed: int) -> None:
    given = samples(*sizes)
    split = split_good(given, seed=seed)
    parts = [split.training, split.validation, split.calibration]
    assert all(parts)
    assert sorted(s.name for part in parts for s in part) == sorted(s.name for s in given)
    groups = [{s.group for s in part} for part in parts]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_shares_are_met_without_groups() -> None:
    split = split_good(samples(*[1] * 1000), validation=0.2, calibration=0.1, seed=0)
    assert [len(split.calibration), len(split.validation), len(split.training)] == [100, 180, 720]


def test_a_part_never_exceeds_its_share_when_a_group_fits() -> None:
    split = split_good(samples(*[8] * 86), seed=1)
    assert 60 <= len(split.calibration) <= 69
    assert 115 <= len(split.validation) <= 125


def test_split_depends_on_seed_alone() -> None:
    given = samples(*[1] * 50)
    assert split_good(given, seed=3) == split_good(given, seed=3)
    assert split_good(given, seed=3) != split_good(given, seed=4)
    turned = split_good(given[::-1], seed=3)
    assert set(turned.calibration) == set(split_good(given, seed=3).calibration)


def test_calibration_does_not_depend_on_the_share_of_validation() -> None:
    given = samples(*[1] * 50)
    first = split_good(given, validation=0.1, seed=0)
    assert split_good(given, validation=0.5, seed=0).calibration == first.calibration


@pytest.mark.parametrize(
    ("sizes", "text"), [((), "0 good images in 0"), ((1,), "1 good"), ((5, 5), "10 good")]
)
def test_too_few_groups_say_how_many_are_needed(sizes: tuple[int, ...], text: str) -> None:
    with pytest.raises(DatasetError, match=rf"{text}.*need at least 3 good images of different groups"):
        split_good(samples(*sizes), seed=0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_0_1_is_refused(share: float) -> None:
    with pytest.raises(DatasetError, match=r"share for validation is .*above 0 and below 1"):
        split_good(samples(1, 1, 1), validation=share, seed=0)
    with pytest.raises(DatasetError, match="share for calibration is"):
        split_good(samples(1, 1, 1), calibration=share, seed=0)


def test_defects_are_not_split() -> None:
    with pytest.raises(DatasetError, match=r"0/0.png shows a defect \(scratch\)"):
        split_good(samples(1, 1, 1, kind="scratch"), seed=0)
