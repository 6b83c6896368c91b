"""What each target computes in, and which precision is chosen for a processor."""

from __future__ import annotations

import pytest

from export.agreement import agreed_threshold
from export.targets import TARGETS, choose_faster, plan_for
from export.tolerance import tolerance_of
from inspector.errors import InputError


@pytest.mark.parametrize(
    ("target", "asked", "precision", "file_precision"),
    [
        ("onnx", None, "fp32", "fp32"),
        ("cpu", None, "fastest", "fastest"),
        ("cpu", "int8", "int8", "int8"),
        ("jetson-nano", None, "fp16", "fp32"),
        ("jetson-nano", "fp32", "fp32", "fp32"),
        ("jetson-orin", None, "fp16", "fp32"),
        ("jetson-orin", "int8", "int8", "int8"),
        ("cuda", None, "fp32", "fp32"),
        ("cuda", "fp16", "fp16", "fp16"),
    ],
)
def test_a_target_has_its_precisions(
    target: str, asked: str | None, precision: str, file_precision: str
) -> None:
    plan = plan_for(target, precision=asked)
    assert (plan.precision, plan.file_precision) == (precision, file_precision)


@pytest.mark.parametrize(
    ("target", "precision"),
    [("jetson-nano", "int8"), ("onnx", "fp16"), ("cpu", "fp16"), ("cuda", "int8"), ("cpu", "int4")],
)
def test_a_precision_that_the_target_lacks_is_refused(target: str, precision: str) -> None:
    with pytest.raises(
        InputError, match=f"the target {target} does not compute in '{precision}'.* its precisions"
    ):
        plan_for(target, precision=precision)


def test_the_nano_has_no_int8() -> None:
    assert TARGETS["jetson-nano"].precisions == ("fp16", "fp32")


@pytest.mark.parametrize(
    ("fp32_ms", "int8_ms", "precision"),
    [
        ([10.0, 10.0, 11.0], [5.0, 5.1, 50.0], "int8"),  # one slow round does not count
        ([2.0, 2.1, 2.2], [2.3, 2.4, 1.0], "fp32"),  # a narrow network
        ([3.0], [3.0], "fp32"),
    ],
)
def test_the_faster_one_is_chosen_by_medians(
    fp32_ms: list[float], int8_ms: list[float], precision: str
) -> None:
    assert choose_faster(fp32_ms, int8_ms).precision == precision


def test_the_choice_says_why() -> None:
    assert choose_faster([2.0], [2.5]).reason == "INT8 is not faster: 2.5 ms a photo where FP32 takes 2 ms"


@pytest.mark.parametrize(
    ("precision", "file_precision", "difference", "expected"),
    [
        ("fp32", "fp32", 0.0, {"fp32": 1e-4}),
        ("fp16", "fp32", 0.02, {"fp32": 1e-4, "fp16": 0.06}),
        ("fp16", "fp16", 0.0, {"fp32": 0.01, "fp16": 0.01}),
        ("int8", "int8", 0.01, {"fp32": 0.03, "fp16": 0.03, "int8": 0.03}),
        ("int8", "int8", 0.9, {"fp32": 0.25, "fp16": 0.25, "int8": 0.25}),
    ],
)
def test_every_precision_that_a_runtime_may_name_has_a_tolerance(
    precision: str, file_precision: str, difference: float, expected: dict[str, float]
) -> None:
    found = tolerance_of(precision, file_precision=file_precision, difference=difference)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("start", "first", "second", "expected"),
    [
        (0.5, [0.1, 0.5], [0.1, 0.5], 0.51),  # equal networks: the headroom alone
        (0.5, [0.1, 0.5], [0.1, 0.4], 0.51),
        (0.4, [0.1, 0.4], [0.1, 0.5], 0.51),
        (0.3, [0.3, 0.35, 0.9], [0.36, 0.37, 0.9], 0.38),  # one pair leads into the next
        (0.3, [0.1, 0.9], [0.1, 0.95], 0.3),
        (0.995, [0.995], [0.999], 1.0),
    ],
)
def test_thresholds_part_no_image_from_itself(
    start: float, first: list[float], second: list[float], expected: float
) -> None:
    found = agreed_threshold(start, first, second, headroom=0.01)
    assert found == pytest.approx(expected)
    assert all((a > found) == (b > found) for a, b in zip(first, second, strict=True))
