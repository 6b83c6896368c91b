"""Which frame is inspected: the newest, or the first after the trigger; none twice, none with a fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_app.services import continuous_station, triggered_station
from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraError, CameraState, Frame, FrameFault, Trigger
from edge_app.services.continuous_station import ContinuousStation
from edge_app.services.result import Outcome
from edge_app.services.station import Station
from edge_app.services.triggered_station import MAX_TRIGGERS, TriggeredStation
from tests.edge_app.cameras.fakes import PATIENCE_S, FakeCamera, FakeInspector, eventually, settings


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (continuous_station, triggered_station):
        monkeypatch.setattr(module, "LOOK_S", 0.02)


@contextmanager
def running(station: Station) -> Iterator[Station]:
    station.start()
    try:
        yield station
    finally:
        station.stop()


def values(inspector: FakeInspector) -> list[int]:
    return [int(taken.frame[0, 0, 0]) for taken in inspector.taken if taken is not None]


def test_a_trigger_inspects_the_first_frame_captured_after_it() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    camera.push(value=1)
    with running(TriggeredStation(camera, settings(lot="L1"), inspector)) as station:
        future = station.trigger(Trigger.HTTP)
        camera.push(value=2, captured_s=time.monotonic() - 60)  # arrives now, but shows what was a minute ago
        camera.push(value=3)
        answer = future.result(PATIENCE_S)
    assert values(inspector) == [3]
    assert (answer.outcome, answer.origin.trigger, answer.origin.lot) == (Outcome.PASS, "http", "L1")
    assert answer.origin.source == "line1"
    assert answer.origin.captured_ms == 1003
    assert answer.origin.frame_age_ms is not None
    assert answer.origin.frame_age_ms >= 0


def test_an_old_frame_never_stands_in_for_the_one_that_does_not_come() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    camera.push(value=1)
    with running(TriggeredStation(camera, settings(trigger_timeout_ms=50), inspector)) as station:
        answer = station.trigger(Trigger.MQTT, lot="L2").result(PATIENCE_S)
        counts = station.stats
    assert (answer.outcome, answer.reason) == (Outcome.NO_DECISION, "stale")
    assert inspector.taken == []
    ((picture, origin, _),) = inspector.no_decisions
    assert picture.max() == 0  # no old photo is shown for this part
    assert (origin.trigger, origin.lot, origin.captured_ms, origin.frame_age_ms) == ("mqtt", "L2", None, None)
    assert (counts.num_inspected, counts.num_no_decision) == (0, 1)


def test_two_triggers_never_share_a_frame() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    with running(TriggeredStation(camera, settings(), inspector)) as station:
        first, second = station.trigger(Trigger.HTTP), station.trigger(Trigger.HTTP)
        camera.push(value=1)
        first.result(PATIENCE_S)
        assert not second.done()
        camera.push(value=2)
        second.result(PATIENCE_S)
    assert values(inspector) == [1, 2]


@pytest.mark.parametrize("fault", [FrameFault.FROZEN, FrameFault.BLACK, FrameFault.WHITE])
def test_a_frame_with_a_fault_gives_no_decision_to_a_trigger(fault: FrameFault) -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    with running(TriggeredStation(camera, settings(), inspector)) as station:
        future = station.trigger(Trigger.HTTP)
        camera.push(value=7, fault=fault)
        answer = future.result(PATIENCE_S)
    assert (answer.outcome, answer.reason) == (Outcome.NO_DECISION, fault.value)
    assert inspector.taken == []
    assert inspector.no_decisions[0][0].max() == 7  # the frame itself is kept, for people


def test_a_part_that_the_hub_has_no_time_for_is_no_pass() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    inspector.is_busy = True
    with running(TriggeredStation(camera, settings(), inspector)) as station:
        future = station.trigger(Trigger.HTTP)
        camera.push()
        answer = future.result(PATIENCE_S)
    assert (answer.outcome, answer.reason) == (Outcome.NO_DECISION, "busy")


def test_a_trigger_over_mqtt_that_is_one_too_many_is_recorded_since_nobody_hears_the_refusal() -> None:
    inspector = FakeInspector()
    station = TriggeredStation(FakeCamera(), settings(), inspector)
    for _ in range(MAX_TRIGGERS):
        station.trigger(Trigger.MQTT)
    for kind in (Trigger.HTTP, Trigger.MQTT):
        with pytest.raises(BusyError, match="8 triggers waiting"):
            station.trigger(kind, lot="L9")
    ((_, origin, reason),) = inspector.no_decisions
    assert (origin.trigger, origin.lot, reason) == ("mqtt", "L9", "busy")
    assert station.stats.num_no_decision == 1


def test_too_many_triggers_are_refused() -> None:
    camera = FakeCamera()
    station = TriggeredStation(camera, settings(), FakeInspector())  # not started: nothing is answered
    waiting = [station.trigger(Trigger.HTTP) for _ in range(MAX_TRIGGERS)]
    with pytest.raises(BusyError, match=r"line1 has 8 triggers waiting \(limit 8\)"):
        station.trigger(Trigger.HTTP)
    station.start()
    station.stop()
    assert all(future.cancelled() or future.done() for future in waiting)
    with pytest.raises(BusyError, match="or is being stopped"):
        station.trigger(Trigger.HTTP)


def test_the_newest_frame_is_taken_when_inference_begins_not_when_the_turn_was_queued() -> None:
    camera, inspector = FakeCamera(), FakeInspector(is_quick=False)
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)) as station:
        camera.push(value=1)
        eventually(lambda: inspector.turns, what="a turn")
        camera.push(value=2)
        camera.push(value=3)
        inspector.run_turn()
        eventually(lambda: station.stats.num_inspected == 1)
    assert values(inspector) == [3]


def test_each_frame_is_inspected_once_however_slow_the_camera_is() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)) as station:
        for number in range(1, 6):
            camera.push(value=number)
            eventually(lambda number=number: station.stats.num_inspected == number)
    assert values(inspector) == [1, 2, 3, 4, 5]


def test_no_more_than_two_turns_are_asked_for_at_once() -> None:
    camera, inspector = FakeCamera(), FakeInspector(is_quick=False)
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)):
        camera.push(value=1)
        eventually(lambda: inspector.turns)
        take, _ = inspector.turns[0]
        assert take() is not None  # inference has begun, the answer is not there yet
        camera.push(value=2)
        eventually(lambda: len(inspector.turns) == 2)
        second, _ = inspector.turns[1]
        assert second() is not None
        camera.push(value=3)
        threading.Event().wait(0.1)
        assert len(inspector.turns) == 2
        for _, future in inspector.turns:
            future.set_result(None)
        eventually(lambda: len(inspector.turns) == 3)
        inspector.turns[2][1].set_result(None)


def test_a_lasting_fault_is_reported_once_and_not_inspected() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)) as station:
        for number in range(1, 6):
            camera.push(value=number, fault=FrameFault.FROZEN)
            eventually(lambda number=number: len(inspector.taken) == number)
        camera.push(value=9)
        eventually(lambda: station.stats.num_inspected == 1)
    reasons = [taken.no_decision for taken in inspector.taken if taken is not None]
    assert reasons == ["frozen", ""]
    assert station.stats.num_no_decision == 1


@pytest.mark.parametrize(
    ("state", "fault", "num_reports"),
    [
        (CameraState.WAITING, None, 1),
        (CameraState.STUCK, None, 1),
        (CameraState.RUNNING, FrameFault.STALE, 1),
        (CameraState.RUNNING, None, 0),
        (CameraState.ENDED, FrameFault.STALE, 0),  # a recording that was played is no fault
    ],
)
def test_a_silent_camera_gives_no_decision(
    state: CameraState, fault: FrameFault | None, num_reports: int
) -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    camera.state, camera.fault = state, fault
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)):
        threading.Event().wait(0.1)
    assert [reason for _, _, reason in inspector.no_decisions] == ["stale"] * num_reports


def test_a_frame_that_was_the_last_before_the_camera_died_is_stale() -> None:
    camera, inspector = FakeCamera(), FakeInspector(is_quick=False)
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)):
        camera.push()
        eventually(lambda: inspector.turns)
        camera.fault = FrameFault.STALE
        inspector.run_turn()
    assert inspector.taken[0] is not None
    assert inspector.taken[0].no_decision == "stale"


def test_the_least_interval_is_kept() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    slow = settings(trigger="continuous", min_interval_ms=3_600_000)
    with running(ContinuousStation(camera, slow, inspector)) as station:
        camera.push(value=1)
        eventually(lambda: station.stats.num_inspected == 1)
        camera.push(value=2)
        threading.Event().wait(0.1)
    assert values(inspector) == [1]


def test_a_continuous_camera_takes_no_trigger() -> None:
    station = ContinuousStation(FakeCamera(), settings(trigger="continuous"), FakeInspector())
    with pytest.raises(CameraError, match="line1 inspects continuously; set its trigger"):
        station.trigger(Trigger.HTTP)


def test_the_view_of_the_settings_goes_with_each_frame() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    roi = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    with running(TriggeredStation(camera, settings(roi=roi), inspector)) as station:
        future = station.trigger(Trigger.HTTP)
        camera.push()
        future.result(PATIENCE_S)
    (taken,) = inspector.taken
    assert taken is not None
    assert taken.view is not None
    assert taken.view.roi == tuple(roi)


def test_an_error_of_the_hub_is_counted_and_the_next_frame_is_inspected() -> None:
    camera, inspector = FakeCamera(), FakeInspector(is_quick=False)
    with running(ContinuousStation(camera, settings(trigger="continuous"), inspector)) as station:
        camera.push(value=1)
        eventually(lambda: inspector.turns)
        inspector.turns.pop(0)[1].set_exception(RuntimeError("the network broke"))
        eventually(lambda: station.stats.num_failed == 1)
        eventually(lambda: inspector.turns)
        inspector.turns.pop(0)[1].set_exception(RuntimeError("the network broke"))
        eventually(lambda: inspector.turns)
        assert [reason for _, _, reason in inspector.no_decisions] == ["error"]  # once while it lasts
        inspector.run_turn()
        camera.push(value=2)
        eventually(lambda: inspector.turns)
        inspector.turns.pop(0)[1].set_exception(BusyError("no model answers now"))
        eventually(lambda: station.stats.num_failed == 3)
    assert [reason for _, _, reason in inspector.no_decisions] == ["error", "busy"]
    assert values(inspector) == [1]


def test_a_part_whose_inspection_fails_is_recorded_and_no_pass() -> None:
    camera, inspector = FakeCamera(), FakeInspector(is_quick=False)
    with running(TriggeredStation(camera, settings(), inspector)) as station:
        future = station.trigger(Trigger.MQTT, lot="L3")
        camera.push(value=7)
        eventually(lambda: inspector.turns)
        inspector.turns.pop(0)[1].set_exception(RuntimeError("the network broke"))
        answer = future.result(PATIENCE_S)
    assert (answer.outcome, answer.reason, answer.origin.lot) == (Outcome.NO_DECISION, "error", "L3")
    ((picture, _, _),) = inspector.no_decisions
    assert picture.max() == 7  # the part's own photo
    assert (station.stats.num_failed, station.stats.num_no_decision) == (1, 1)
    assert station.stats.last_error == "the network broke"


def test_a_camera_whose_frame_cannot_be_read_answers_the_next_trigger() -> None:
    class Torn(FakeCamera):
        """Its newest frame cannot be copied, once."""

        is_torn = True

        def wait_next(self, after_seq: int, timeout_s: float) -> Frame | None:
            if self.is_torn:
                self.is_torn = False
                raise OSError("the ring ends before the end of a frame")
            return super().wait_next(after_seq, timeout_s)

    camera, inspector = Torn(), FakeInspector()
    with running(TriggeredStation(camera, settings(), inspector)) as station:
        first = station.trigger(Trigger.HTTP).result(PATIENCE_S)
        future = station.trigger(Trigger.HTTP)
        camera.push()
        second = future.result(PATIENCE_S)
    assert (first.outcome, first.reason, second.outcome) == (Outcome.NO_DECISION, "error", Outcome.PASS)


def test_triggers_that_wait_when_the_camera_is_stopped_are_refused() -> None:
    camera, inspector = FakeCamera(), FakeInspector()
    station = TriggeredStation(camera, settings(), inspector)
    waiting = [station.trigger(Trigger.HTTP) for _ in range(3)]
    station._is_stopping.set()  # before its thread has looked once
    station.start()
    station.stop()
    for future in waiting:
        with pytest.raises(BusyError, match="line1 is being stopped"):
            future.result(PATIENCE_S)
    with pytest.raises(BusyError, match="or is being stopped"):
        station.trigger(Trigger.HTTP)
