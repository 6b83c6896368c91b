"""The parts behind the routes, without a web: worker, memory of results, thresholds."""

from __future__ import annotations

import threading

import pytest

from edge_app.services.bounded_worker import BoundedWorker, BusyError
from edge_app.services.recent import RecentResults
from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import InputError
from inspector.postprocess import Thresholds


def test_the_worker_runs_one_job_at_a_time_in_order() -> None:
    worker = BoundedWorker(queue_size=20)
    log: list[str] = []

    def job(number: int) -> int:
        log.append(f"start {number}")
        log.append(f"end {number}")
        return number

    futures = [worker.submit(lambda number=number: job(number)) for number in range(20)]  # type: ignore[misc]
    assert [future.result(5) for future in futures] == list(range(20))
    assert log == [f"{what} {number}" for number in range(20) for what in ("start", "end")]
    worker.close()


def test_a_failed_job_makes_room_like_any_other() -> None:
    worker = BoundedWorker(queue_size=1)

    def fail() -> None:
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            worker.submit(fail).result(5)
    assert worker.num_pending == 0
    worker.close()


def test_a_full_worker_refuses_and_a_cancelled_job_makes_room() -> None:
    worker = BoundedWorker(queue_size=2)
    go_on = threading.Event()
    running = worker.submit(lambda: go_on.wait(10))
    waiting = worker.submit(lambda: True)
    with pytest.raises(BusyError, match=r"2 images are waiting \(limit 2\)"):
        worker.submit(lambda: True)
    assert waiting.cancel()
    again = worker.submit(lambda: "again")
    go_on.set()
    assert (running.result(5), again.result(5)) == (True, "again")
    worker.close()


def result(name: str, *, num_bytes: int) -> Result:
    return Result(
        id=name,
        created_ms=0,
        outcome=Outcome.PASS,
        origin=Origin(),
        model=ModelVersion("d", "n", "1"),
        thresholds=OWN,
        frame_hw=(1, 1),
        photo=Photo(data=b"\0" * num_bytes),
    )


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ((10, 10, 10), "abc"),
        ((10, 10, 10, 10), "bcd"),  # by count
        ((60, 30, 10), "abc"),  # exactly the limit
        ((60, 30, 11), "bc"),  # by bytes
        ((10, 10, 500), "c"),  # the newest stays, whatever its size
        ((10, 500, 10), "c"),
    ],
)
def test_old_results_go_when_there_are_too_many_or_too_large_ones(sizes: tuple[int, ...], kept: str) -> None:
    recent = RecentResults(max_count=3, max_bytes=100)
    for name, num_bytes in zip("abcd", sizes):  # noqa: B905
        recent.add(result(name, num_bytes=num_bytes))
    assert "".join(name for name in "abcd" if recent.get(name)) == kept
    assert len(recent) == len(kept)


OWN = Thresholds(fail=0.5, review=0.25, min_area_px=4)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (ThresholdOverride(), OWN),
        (ThresholdOverride(fail=0.9), Thresholds(0.9, 0.25, 4)),
        (ThresholdOverride(fail=0.2), Thresholds(0.2, 0.2, 4)),
        (ThresholdOverride(fail=0.0), Thresholds(0.0, 0.0, 4)),
        (ThresholdOverride(review=0.5), Thresholds(0.5, 0.5, 4)),
        (ThresholdOverride(review=0.0, min_area_px=1), Thresholds(0.5, 0.0, 1)),
    ],
)
def test_thresholds_of_one_request(override: ThresholdOverride, expected: Thresholds) -> None:
    assert override.apply(OWN) == expected


def test_a_review_threshold_above_fail_is_refused() -> None:
    with pytest.raises(InputError, match=r"review threshold 0\.6 is above the fail threshold 0\.5"):
        ThresholdOverride(review=0.6).apply(OWN)
