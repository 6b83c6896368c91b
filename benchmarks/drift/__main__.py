"""Slowly dims, then defocuses, the demo part before a real bundle: the alarm, and the false rejects.

`python -m benchmarks.drift PART.bundle [--parts 2000] [--json]`. `inspector demo` makes the bundle.
Every part is a good one that no training has seen. The line runs 100 parts in order, then drifts evenly.

`value` is how many parts the alarm came before one in ten of 50 was wrongly rejected, the worse of both ways.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import print_result
from edge_app.services.control_chart import Level
from edge_app.services.drift import DriftMonitor, Observation
from inspector.bundle import Bundle
from inspector.demo_part import render_good
from inspector.errors import InspectorError
from inspector.postprocess import Verdict
from inspector.preprocess import resize_frame
from inspector.reference import brightness, focus
from inspector.runtime import Runner

IN_ORDER = 100
POOL = 60
WINDOW, WRONG = 50, 5
SEED = 77

Spoil = Callable[[np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Course:
    """When things happened, by number of the part; None: never. `sentence` is the alarm's."""

    watch_at: int | None
    alarm_at: int | None
    first_reject_at: int | None
    wrong_from: int | None
    num_rejects_in_order: int
    sentence: str


def dimmed(frame: np.ndarray, amount: float) -> np.ndarray:
    """Take up to 60 % of the light away."""
    return np.asarray(frame * (1 - 0.6 * amount), np.uint8)


def defocused(frame: np.ndarray, amount: float) -> np.ndarray:
    """Blur with a Gaussian of up to 3 px."""
    return frame if amount == 0 else cv2.GaussianBlur(frame, (0, 0), max(0.05, 3 * amount))


def main() -> None:
    args = _arguments()
    try:
        runner = Runner.open(Bundle.open(args.bundle), threads=1)
    except InspectorError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    size_hw = runner.bundle.manifest.input_hw
    pool = [
        resize_frame(render_good(np.random.default_rng((SEED, number)), size_px=256), size_hw=size_hw)
        for number in range(POOL)
    ]
    courses = {
        name: run_line(runner, pool, spoil, num_parts=args.parts)
        for name, spoil in (("dimmed", dimmed), ("defocused", defocused))
    }
    for name, course in courses.items():
        print(f"{name}: {course}")
    end = IN_ORDER + args.parts
    leads = {
        name: (course.wrong_from or end) - (end if course.alarm_at is None else course.alarm_at)
        for name, course in courses.items()
    }
    value = min(leads.values())
    in_order = all(course.alarm_at is None or course.alarm_at >= IN_ORDER for course in courses.values())
    print_result(
        name="drift",
        value=value,
        unit="parts between the alarm and one in ten wrongly rejected",
        target=1,
        holds=value >= 1 and in_order,
        leads=leads,
        courses={name: vars(course) for name, course in courses.items()},
        parts=args.parts,
        num_reference=runner.bundle.reference.num_images,
    )


def run_line(runner: Runner, pool: list[np.ndarray], spoil: Spoil, *, num_parts: int) -> Course:
    """Inspect good parts in order, then `num_parts` while the picture is spoilt from 0 to its most."""
    bundle, rng = runner.bundle, np.random.default_rng(SEED)
    monitor = DriftMonitor.against(bundle.reference, review_threshold=bundle.thresholds.review)
    rejected: list[int] = []
    first: dict[Level, int] = {}
    sentence = ""
    for number in range(IN_ORDER + num_parts):
        amount = max(0, number - IN_ORDER) / num_parts
        frame = spoil(pool[int(rng.integers(len(pool)))], amount)
        judgement = runner.inspect(frame).judgement
        if judgement.verdict is Verdict.FAIL:
            rejected.append(number)
        monitor = monitor.seen(
            Observation(
                brightness=brightness(frame),
                focus=focus(frame),
                score=judgement.image_score,
                latency_ms=None,
                passed=judgement.verdict is Verdict.PASS,
            )
        )
        status = monitor.status()
        if status.level not in first:
            first[status.level] = number
            sentence = status.sentence if status.level is Level.ALARM else sentence
    return Course(
        watch_at=first.get(Level.WATCH),
        alarm_at=first.get(Level.ALARM),
        first_reject_at=next((number for number in rejected if number >= IN_ORDER), None),
        wrong_from=_wrong_from(rejected),
        num_rejects_in_order=sum(number < IN_ORDER for number in rejected),
        sentence=sentence,
    )


def _wrong_from(rejected: list[int]) -> int | None:
    """The first part after which one in ten is rejected."""
    for start in rejected:
        if start >= IN_ORDER and sum(start <= number < start + WINDOW for number in rejected) >= WRONG:
            return start
    return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle of the demo part")
    parser.add_argument("--parts", type=int, default=2000, help="parts over which the drift grows")
    parser.add_argument("--json", action="store_true", help="accepted for uniformity: the last line is JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
