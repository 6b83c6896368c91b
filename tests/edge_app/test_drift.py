"""Drift: charts against tables, false alarms by simulation, and the demo part slowly dimmed and defocused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from edge_app.services import control_chart
from edge_app.services.control_chart import CLIP, NUM_LEARN, WEIGHT, Baseline, Chart, Level
from edge_app.services.drift import DriftMonitor, DriftStatus, Observation
from edge_app.services.drift_watch import DriftWatch
from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.serving import ModelCard
from inspector.demo_part import render_good
from inspector.manifest import Distribution, Reference
from inspector.postprocess import Thresholds, Verdict, image_score, judge
from inspector.reference import brightness, focus, reference_of
from inspector.threshold import choose_thresholds
from inspector.view import View

NORMAL = Baseline.of(mean=100.0, std=10.0, num=10_000, least_std=0.0)
REFERENCE = Reference(
    num_images=100,
    brightness=Distribution.of([90.0, 100.0, 110.0]),
    focus=Distribution.of([400.0, 500.0, 600.0]),
    score=Distribution.of([0.05, 0.10, 0.15]),
)


def charted(values: list[float], **options: Any) -> Chart:
    chart = Chart(NORMAL, **options)
    for value in values:
        chart = chart.seen(value)
    return chart


@pytest.mark.parametrize(
    ("values", "only_high", "level"),
    [
        ([], False, Level.OK),
        ([100.0] * 500, False, Level.OK),
        ([105.0] * 500, False, Level.OK),  # half a deviation, for ever: that does not matter
        ([110.0] * 500, False, Level.WATCH),
        ([90.0] * 500, False, Level.WATCH),
        ([115.0] * 500, False, Level.ALARM),
        ([85.0] * 500, False, Level.ALARM),
        ([85.0] * 500, True, Level.OK),  # a low value is no drift here
        ([115.0] * 500, True, Level.ALARM),
        ([115.0] * 20, False, Level.WATCH),
        ([math.nan, math.inf] * 500, False, Level.OK),
        ([100.0] * 50 + [1e9], False, Level.OK),  # one odd part
        ([1e9] * 8, False, Level.ALARM),  # a lamp that fails at once
        ([115.0] * 500 + [100.0] * 60, False, Level.OK),  # and is repaired
    ],
)
def test_levels(values: list[float], only_high: bool, level: Level) -> None:
    assert charted(values, only_high=only_high).level is level


def test_the_average_and_the_limits_are_in_the_measurements_own_unit() -> None:
    chart = charted([112.0] * 2000)
    assert chart.average == pytest.approx(112.0, abs=0.1)
    low, high = chart.limits or (None, 0.0)
    assert low == pytest.approx(87.5, abs=0.2)
    assert high == pytest.approx(112.5, abs=0.2)


@pytest.mark.parametrize(("num", "shift"), [(10_000, 1.25), (100, 1.25), (20, 1.375), (5, 2.375), (1, 5.06)])
def test_few_reference_values_widen_the_limit(num: int, shift: float) -> None:
    assert Baseline(0.0, 1.0, num).alarm_shift == pytest.approx(shift, abs=0.01)


def test_a_deviation_of_few_values_is_enlarged_and_never_below_the_least() -> None:
    assert Baseline.of(mean=1.0, std=0.5, num=5, least_std=0.0).std == pytest.approx(0.757, abs=0.001)
    assert Baseline.of(mean=1.0, std=0.0, num=5, least_std=0.2).std == 0.2
    assert Baseline.of(mean=1.0, std=0.0, num=1, least_std=0.2).std == 0.2


def test_without_a_baseline_the_first_values_are_learned() -> None:
    chart = Chart(least_std=0.25, only_high=True)
    for number in range(NUM_LEARN):
        assert chart.level is Level.OK
        chart = chart.seen(8.0 + 4.0 * (number % 2))
    assert chart.baseline is not None
    assert chart.baseline.mean == pytest.approx(10.0)
    for _ in range(200):
        chart = chart.seen(16.0)
    assert chart.level is Level.ALARM


def simulated_alarms(*, num_reference: int, num_lines: int, num_results: int, shape: str) -> int:
    """How many of `num_lines` lines without any drift alarm within `num_results` results.

    Every line has a reference of its own, estimated from `num_reference` parts.
    """
    rng = np.random.default_rng(7)

    def draw(*size: int) -> np.ndarray:
        return rng.normal(0.0, 1.0, size) if shape == "normal" else rng.lognormal(0.0, 0.5, size)

    known = draw(num_lines, num_reference)
    baselines = [
        Baseline.of(mean=float(row.mean()), std=float(row.std()), num=num_reference, least_std=0.0)
        for row in known
    ]
    mean, std, limit = (
        np.array([getattr(baseline, name) for baseline in baselines])
        for name in ("mean", "std", "alarm_shift")
    )
    shift, alarmed = np.zeros(num_lines), np.zeros(num_lines, bool)
    for _ in range(num_results):
        values = np.clip((draw(num_lines) - mean) / std, -CLIP, CLIP)
        shift += WEIGHT * (values - shift)
        alarmed |= np.abs(shift) >= limit
    return int(alarmed.sum())


def test_the_simulation_is_the_chart() -> None:
    values = np.random.default_rng(1).normal(100.0, 12.0, 300)
    shift = 0.0
    for value in values:
        shift += WEIGHT * (float(np.clip((value - 100.0) / NORMAL.std, -CLIP, CLIP)) - shift)
    assert charted([float(value) for value in values]).shift == pytest.approx(shift)


@pytest.mark.parametrize(
    ("num_reference", "shape", "most"),
    [(10, "normal", 5), (20, "normal", 3), (100, "normal", 0), (20, "skewed", 18), (100, "skewed", 0)],
)
def test_false_alarms_are_rare(num_reference: int, shape: str, most: int) -> None:
    """1,000 lines x 10,000 results: ten million results without drift."""
    alarms = simulated_alarms(num_reference=num_reference, num_lines=1000, num_results=10_000, shape=shape)
    assert alarms <= most


def test_the_simulation_would_notice_a_tighter_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_chart, "ALARM_SIGMAS", 2.7)
    monkeypatch.setattr(control_chart, "LEAST_SHIFT", 0.0)
    assert simulated_alarms(num_reference=100, num_lines=200, num_results=2_000, shape="normal") > 50


GOOD = Observation(brightness=100.0, focus=500.0, score=0.10, latency_ms=10.0, passed=True)


def monitored(observation: Observation, *, times: int = 300) -> DriftStatus:
    """The status after results that scatter around `observation`."""
    monitor = DriftMonitor.against(REFERENCE, review_threshold=0.4)
    for number in range(times):
        wobble = 1 + 0.01 * (number % 2)  # two parts never look quite the same
        seen = replace(observation, brightness=(observation.brightness or 0) * wobble)
        monitor = monitor.seen(seen)
    return monitor.status()


@pytest.mark.parametrize(
    ("change", "level", "says"),
    [
        ({}, Level.OK, "look like those the model was made for"),
        ({"brightness": 80.0}, Level.ALARM, "brightness is .* darker"),
        ({"brightness": 125.0}, Level.ALARM, "brightness is .* brighter"),
        ({"focus": 300.0}, Level.ALARM, "focus is 300, normally 500 .*less sharp"),
        ({"focus": 700.0}, Level.ALARM, "focus is .* sharper or noisier"),
        ({"score": 0.2}, Level.ALARM, "score is 0.2, normally 0.1 .*pass score higher"),
        ({"score": 0.0}, Level.OK, "look like"),
        ({"score": 0.9, "passed": False}, Level.OK, "look like"),  # a defect is no drift
        ({"brightness": 80.0, "passed": False}, Level.ALARM, "darker"),  # nothing passes, and this is why
        ({"latency_ms": None, "focus": None, "score": None}, Level.OK, "look like"),
    ],
)
def test_what_is_told(change: dict[str, Any], level: Level, says: str) -> None:
    status = monitored(replace(GOOD, **change))
    assert status.level is level
    assert re.search(says, status.sentence), status.sentence


def test_slower_inspections_are_noticed_against_the_first_ones() -> None:
    monitor = DriftMonitor.against(REFERENCE, review_threshold=0.4)
    for number in range(600):
        seen = replace(GOOD, brightness=100.0 + number % 2, latency_ms=10.0 if number < 100 else 20.0)
        monitor = monitor.seen(seen)
    assert "latency_ms is 20, normally 10" in monitor.status().sentence


def test_a_line_that_stands_still_counts_its_part_once() -> None:
    monitor = DriftMonitor.against(REFERENCE, review_threshold=0.4)
    for _ in range(1000):
        monitor = monitor.seen(replace(GOOD, brightness=80.0))  # dark, but one part
    assert monitor.status().level is Level.OK
    slowly = DriftMonitor.against(REFERENCE, review_threshold=0.4)
    for number in range(3000):  # each step is small; together they are not
        slowly = slowly.seen(replace(GOOD, brightness=100.0 - 0.01 * number))
    assert slowly.status().level is Level.ALARM


class MeanPart:
    """An inspector without a network: how far a picture is from the good ones, pixel by pixel."""

    HW = (64, 64)

    def __init__(self, good: list[np.ndarray]) -> None:
        gray = np.stack([self._gray(frame) for frame in good])
        self._mean, self._std = gray.mean(axis=0), gray.std(axis=0) + 6.0

    def score(self, frame: np.ndarray) -> np.ndarray:
        distance = np.abs(self._gray(frame) - self._mean) / self._std
        return np.asarray(1 / (1 + np.exp(-(distance - 3.5))), np.float32)

    @staticmethod
    def _gray(frame: np.ndarray) -> np.ndarray:
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        return cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1.0)


@pytest.fixture(scope="module")
def parts() -> list[np.ndarray]:
    frames = [render_good(np.random.default_rng((5, number)), size_px=256) for number in range(120)]
    return [cv2.resize(frame, MeanPart.HW, interpolation=cv2.INTER_AREA) for frame in frames]


def dimmed(frame: np.ndarray, amount: float) -> np.ndarray:
    return np.asarray(frame * (1 - 0.6 * amount), np.uint8)


def defocused(frame: np.ndarray, amount: float) -> np.ndarray:
    return cv2.GaussianBlur(frame, (0, 0), 0.05 + 1.5 * amount)


@pytest.mark.parametrize("spoil", [dimmed, defocused])
def test_the_alarm_comes_before_the_false_rejects(
    parts: list[np.ndarray], spoil: Callable[[np.ndarray, float], np.ndarray]
) -> None:
    """100 parts in order, then 1,000 parts over which the light (or the focus) slowly goes."""
    train, calibration, line = parts[:50], parts[50:90], parts[90:]
    inspector = MeanPart(train)
    maps = [inspector.score(frame) for frame in calibration]
    thresholds = choose_thresholds(maps, false_reject_budget=0.02).thresholds
    reference = reference_of(calibration, [image_score(score) for score in maps])
    monitor = DriftMonitor.against(reference, review_threshold=thresholds.review)
    rng = np.random.default_rng(3)
    alarm_at, rejected_at = None, []
    for number in range(1100):
        amount = max(0, number - 100) / 1000
        frame = spoil(line[int(rng.integers(len(line)))], amount)
        judgement = judge(inspector.score(frame), thresholds)
        monitor = monitor.seen(
            Observation(
                brightness=brightness(frame),
                focus=focus(frame),
                score=judgement.image_score,
                latency_ms=None,
                passed=judgement.verdict is Verdict.PASS,
            )
        )
        if number >= 100 and judgement.verdict is Verdict.FAIL:
            rejected_at.append(number)
        if alarm_at is None and monitor.status().level is Level.ALARM:
            alarm_at = number
    assert alarm_at is not None
    assert alarm_at > 100  # not while all was in order
    wrong_from = next((at for at in rejected_at if sum(at <= n < at + 50 for n in rejected_at) >= 5), 1100)
    assert alarm_at < wrong_from, f"alarm at {alarm_at}, one in ten rejected from {wrong_from} on"


MODEL = ModelVersion("d" * 64, "part", "1", "fake")
OWN = Thresholds(fail=0.5, review=0.4, min_area_px=4)


class FakeModel:
    version = MODEL
    reference = REFERENCE
    card = ModelCard("part", "1", "", (32, 48), OWN, "fake", 1, 0.0)


def result(number: int, *, bright: float, source: str = "rest", **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": str(number),
        "created_ms": number,
        "outcome": Outcome.PASS,
        "origin": Origin(source=source),
        "model": MODEL,
        "thresholds": OWN,
        "frame_hw": (32, 48),
        "photo": Photo(data=b""),
        "image_score": 0.1,
        "latency_ms": 5.0,
        "quality": FrameQuality(bright + 2 * (number % 2), 500.0),
    }
    return Result(**{**fields, **changes})


def test_every_source_is_watched_on_its_own() -> None:
    watch = DriftWatch(FakeModel)
    assert watch.report().level is Level.OK
    for number in range(300):
        watch.on_result(result(number, bright=99.0, source="left"))
        watch.on_result(result(number, bright=70.0, source="right"))
    report = watch.report()
    assert report.level is Level.ALARM
    assert report.sentence.startswith("right: brightness is")
    assert [(each.source, each.status.level) for each in report.sources] == [
        ("left", Level.OK),
        ("right", Level.ALARM),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": Outcome.NO_DECISION},  # a black frame is told elsewhere
        {"model": ModelVersion("e" * 64, "other", "1", "fake")},
        {"quality": None, "image_score": None, "latency_ms": None},
        {"view": View(roi=((0.1, 0.1), (0.9, 0.1), (0.5, 0.9)))},  # looks unlike the whole: it is learned
    ],
)
def test_results_that_tell_nothing_about_drift(changes: dict[str, Any]) -> None:
    watch = DriftWatch(FakeModel)
    for number in range(300):
        watch.on_result(result(number, bright=70.0, **changes))
    assert watch.report().level is Level.OK


def test_a_new_model_begins_anew() -> None:
    model = FakeModel()
    watch = DriftWatch(lambda: model)
    for number in range(300):
        watch.on_result(result(number, bright=70.0))
    assert watch.report().level is Level.ALARM
    model.version = ModelVersion("e" * 64, "part", "2", "fake")
    watch.on_result(result(1, bright=100.0, model=model.version))
    assert watch.report().level is Level.OK
