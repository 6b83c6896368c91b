"""The hub: who is answered when, who takes turns with whom, and what happens when something goes wrong."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest

from edge_app.services.bounded_worker import BusyError
from edge_app.services.inspection import InspectionService, Taken
from edge_app.services.keeping import Stored
from edge_app.services.result import Origin, Outcome, Result
from edge_app.services.serving import ServingModel
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import ImageError, InputError
from inspector.postprocess import Judgement, Thresholds, judge
from inspector.view import View
from tests.edge_app.app import OWN, encoded, photo_frame, score_of
from tests.edge_app.hub import (
    WAIT_S,
    FakeHost,
    FakeReceipt,
    FakeStore,
    FakeVersion,
    Gate,
    gray,
    hub_of,
    loaded,
    version_of,
    wait_until,
)

PHOTO = encoded(photo_frame())
LINE = Origin(source="line", trigger="continuous")


def post(hub: InspectionService, photo: bytes = PHOTO, **options: object) -> Future[Stored]:
    return hub.submit(photo, media_type="image/png", **options)  # type: ignore[arg-type]


def test_a_photo_becomes_a_result_with_all_that_is_known_of_it() -> None:
    with hub_of() as hub:
        stored = post(hub, origin=Origin(lot="L7")).result(WAIT_S)
    result = stored.result
    assert stored.receipt.stored
    assert (result.outcome, result.frame_hw, result.origin.lot) == (Outcome.FAIL, (320, 480), "L7")
    assert (result.model, result.thresholds, result.threshold_version) == (version_of("d1"), OWN, 0)
    assert (result.photo.data, result.photo.media_type) == (PHOTO, "image/png")
    assert result.quality is not None
    assert result.quality.brightness == pytest.approx(20 + 235 * 12 * 16 / (32 * 48), abs=0.5)
    assert result.regions == judge(score_of(photo_frame()), OWN).scaled_to((320, 480)).regions
    assert (result.view, result.layout, result.input_hw) == (None, None, (32, 48))


def test_the_answer_waits_for_the_commit_and_not_a_moment_longer() -> None:
    store = FakeStore(holds=True)
    with hub_of(store=store) as hub:
        heard: list[str] = []
        hub.listen(lambda result: heard.append(result.id))
        future = post(hub)
        wait_until(lambda: bool(store.added))
        assert not future.done()
        assert (heard, hub.num_waiting, hub.counts()) == ([], 1, {})
        store.commit()
        result = future.result(WAIT_S).result
        assert (heard, hub.num_waiting, hub.counts()) == ([result.id], 0, {"fail": 1})
        assert store.added == [result]


@pytest.mark.parametrize(("kept_files", "in_memory"), [(False, True), (True, False)])
def test_a_result_stays_in_memory_unless_its_files_are_on_disk(kept_files: bool, in_memory: bool) -> None:
    with hub_of(store=FakeStore(receipt=FakeReceipt(kept_files=kept_files))) as hub:
        result = post(hub).result(WAIT_S).result
    assert hub.find(result.id) is (result if in_memory else None)


def test_a_store_that_fails_does_not_stop_the_inspection() -> None:
    with hub_of(store=FakeStore(error=OSError("no disk"))) as hub:
        stored = post(hub).result(WAIT_S)
    assert stored.result.outcome is Outcome.FAIL
    assert (stored.receipt.stored, stored.receipt.reason) == (False, "no disk")


def test_a_disk_that_takes_no_photo_ahead_does_not_stop_the_inspection() -> None:
    store = FakeStore(begin_error=OSError("Input/output error"))
    with hub_of(store=store) as hub:
        assert post(hub).result(WAIT_S).result.outcome is Outcome.FAIL
        taken = Taken(gray(20), LINE)
        result = hub.submit_newest(lambda: taken, source="line").result(WAIT_S)
    assert result is not None
    assert result.outcome is Outcome.PASS


def test_the_map_begins_to_go_to_disk_before_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    begun: list[bool] = []

    def judged_late(score: np.ndarray, limits: Thresholds) -> Judgement:
        begun.append(any(score is each for each in store.begun_scores.values()))
        return judge(score, limits)

    monkeypatch.setattr("edge_app.services.serving.judge", judged_late)
    with hub_of(store=store) as hub:
        result = post(hub).result(WAIT_S).result
    assert begun == [True]
    assert store.begun_scores[result.id] is result.score


def test_a_listener_that_fails_is_logged_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    def fail(result: Result) -> None:
        raise ValueError("no")

    heard: list[str] = []
    with hub_of() as hub:
        hub.listen(fail)
        hub.listen(lambda result: heard.append(result.id))
        result = post(hub).result(WAIT_S).result
    assert heard == [result.id]
    assert f"a listener failed on result {result.id}" in caplog.text


def test_decoding_goes_on_while_the_network_runs() -> None:
    gate = Gate()
    store = FakeStore()
    with hub_of(loaded(gate), store, queue_size=3) as hub:
        first = post(hub)
        assert gate.arrived.wait(WAIT_S)
        unreadable = post(hub, PHOTO[:200])
        with pytest.raises(ImageError, match="cut off or damaged"):
            unreadable.result(WAIT_S)  # answered although the network is still busy with the first photo
        assert not first.done()
        gate.open()
        first.result(WAIT_S)
    assert hub.counts() == {"unreadable": 1, "fail": 1}


def test_no_more_photos_are_decoded_ahead_than_memory_is_planned_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    decoded: list[int] = []
    lock = threading.Lock()

    def count(photo: bytes, *, max_pixels: int) -> np.ndarray:
        with lock:
            decoded.append(max_pixels)
        return photo_frame()

    monkeypatch.setattr("edge_app.services.inspection.decode_frame", count)
    with hub_of(loaded(gate), queue_size=20) as hub:
        futures = [post(hub) for _ in range(20)]
        assert gate.arrived.wait(WAIT_S)
        wait_until(lambda: len(decoded) == 3)
        threading.Event().wait(0.05)
        assert len(decoded) == 3
        gate.open()
        for future in futures:
            future.result(WAIT_S)
    assert len(decoded) == 20


def test_a_full_queue_refuses_photos_and_not_cameras() -> None:
    gate = Gate()
    with hub_of(loaded(gate), queue_size=2) as hub:
        taken = [post(hub), post(hub)]
        with pytest.raises(BusyError, match=r"2 images are waiting \(limit 2\)"):
            post(hub)
        from_camera = hub.submit_frame(gray(20), origin=LINE)
        gate.open()
        assert from_camera.result(WAIT_S).outcome is Outcome.PASS
        assert [future.result(WAIT_S).result.outcome for future in taken] == [Outcome.FAIL] * 2
        assert post(hub).result(WAIT_S).receipt.stored
    assert hub.counts() == {"busy": 1, "fail": 3, "pass": 1}


def test_a_photo_that_waits_for_the_store_is_in_the_queue_still() -> None:
    store = FakeStore(holds=True)
    with hub_of(store=store, queue_size=1) as hub:
        first = post(hub)
        wait_until(lambda: bool(store.added))
        with pytest.raises(BusyError, match="1 images are waiting"):
            post(hub)  # or a slow disk would fill the memory
        store.commit()
        first.result(WAIT_S)


def test_photos_and_cameras_take_turns() -> None:
    gate = Gate()
    store = FakeStore()
    with hub_of(loaded(gate), store, queue_size=6) as hub:
        first = post(hub)
        assert gate.arrived.wait(WAIT_S)
        photos = [post(hub) for _ in range(2)]
        wait_until(lambda: hub._worker.num_pending == 3)
        cameras = [
            hub.submit_frame(gray(20), origin=Origin(source=name)) for name in ("left", "right", "left")
        ]
        gate.open()
        for future in (first, *photos, *cameras):
            future.result(WAIT_S)
    assert [result.origin.source for result in store.added] == [
        "rest",
        "rest",
        "left",
        "right",
        "rest",
        "left",
    ]


def test_a_camera_gives_its_newest_frame_when_its_turn_has_come() -> None:
    gate = Gate()
    newest = gray(20)
    with hub_of(loaded(gate)) as hub:
        photo = post(hub)
        assert gate.arrived.wait(WAIT_S)
        future = hub.submit_newest(lambda: Taken(newest, LINE), source="line")
        newest = gray(255)  # a part has come while the network was busy
        gate.open()
        photo.result(WAIT_S)
        result = future.result(WAIT_S)
    assert result is not None
    assert (result.outcome, result.photo.media_type) == (Outcome.FAIL, "image/jpeg")


def test_a_camera_without_a_new_frame_gives_none_and_one_that_fails_its_error() -> None:
    def fail() -> Taken:
        raise OSError("unplugged")

    with hub_of() as hub:
        assert hub.submit_newest(lambda: None, source="line").result(WAIT_S) is None
        with pytest.raises(OSError, match="unplugged"):
            hub.submit_newest(fail, source="line").result(WAIT_S)
        assert hub.submit_frame(gray(20), origin=LINE).result(WAIT_S).outcome is Outcome.PASS
    assert hub.counts() == {"pass": 1}


def test_a_part_that_comes_while_no_model_is_loaded_is_recorded() -> None:
    class Swapping(FakeHost):
        is_empty = False

        def serving(self) -> AbstractContextManager[ServingModel]:
            if self.is_empty:
                raise BusyError("no model answers now")
            return self._lend(self.model)

    host = Swapping(loaded(digest="d1"))
    with hub_of(host=host) as hub:
        host.is_empty = True
        with pytest.raises(BusyError, match="no model answers now"):  # nor has any answered before
            hub.submit_no_decision(gray(20), origin=LINE, reason="busy").result(WAIT_S)
        host.is_empty = False
        assert post(hub).result(WAIT_S)
        host.is_empty = True
        result = hub.submit_no_decision(gray(20), origin=LINE, reason="busy").result(WAIT_S)
    assert (result.outcome, result.reason, result.model) == (Outcome.NO_DECISION, "busy", version_of("d1"))


@pytest.mark.parametrize("by_turn", [True, False])
def test_a_frame_that_cannot_be_trusted_is_recorded_and_no_network_sees_it(by_turn: bool) -> None:
    def fail() -> None:
        raise AssertionError("asked")

    frame = gray(255)
    store = FakeStore()
    with hub_of(loaded(fail), store) as hub:
        if by_turn:
            taken = Taken(frame, LINE, no_decision="frozen")
            result = hub.submit_newest(lambda: taken, source="line").result(WAIT_S)
        else:
            result = hub.submit_no_decision(frame, origin=LINE, reason="frozen").result(WAIT_S)
    assert store.added == [result]
    assert result is not None
    assert (result.outcome, result.reason, result.score) == (Outcome.NO_DECISION, "frozen", None)
    assert hub.counts() == {"no_decision": 1}


def test_a_view_is_judged_by_itself_and_its_regions_lie_on_the_whole_frame() -> None:
    right = View(roi=((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    frame = photo_frame()  # the defect is in columns 120 to 280 of 480
    with hub_of() as hub:
        result = hub.submit_frame(frame, origin=LINE, view=right).result(WAIT_S)
    assert (result.outcome, result.view) == (Outcome.FAIL, right)
    assert [(region.x, region.width) for region in result.regions] == [(240, 40)]
    assert result.layout is not None
    assert result.layout.box.x == 240


def test_thresholds_that_were_set_on_the_device_hold_and_those_of_a_request_go_before() -> None:
    lenient = Thresholds(fail=1.0, review=1.0, min_area_px=4)
    store = FakeStore(thresholds={"d1": FakeVersion(3, lenient)})
    with hub_of(store=store) as hub:
        assert hub.thresholds_in_force() == (lenient, 3)
        device = post(hub).result(WAIT_S).result
        asked = post(hub, override=ThresholdOverride(fail=0.5)).result(WAIT_S).result
        with pytest.raises(InputError, match=r"review threshold 1 is above the fail threshold 0\.2"):
            post(hub, override=ThresholdOverride(fail=0.2, review=1.0)).result(WAIT_S)
    assert (device.outcome, device.threshold_version) == (Outcome.PASS, 3)
    assert (asked.outcome, asked.threshold_version) == (Outcome.FAIL, None)


def test_a_photo_that_was_prepared_for_the_old_model_is_prepared_again_for_the_new_one() -> None:
    gate = Gate()
    host = FakeHost(loaded(gate))
    with hub_of(host=host) as hub:
        first = post(hub)
        assert gate.arrived.wait(WAIT_S)
        second = post(hub)
        wait_until(lambda: hub._worker.num_pending == 2)
        host.model = loaded(digest="d2", input_hw=(16, 24))
        gate.open()
        assert first.result(WAIT_S).result.model.digest == "d1"
        result = second.result(WAIT_S).result
    assert (result.model.digest, result.input_hw) == ("d2", (16, 24))


def test_a_model_that_fails_fails_one_photo() -> None:
    answers = iter([RuntimeError("once")])

    def fail_once() -> None:
        error = next(answers, None)
        if error is not None:
            raise error

    store = FakeStore()
    with hub_of(loaded(fail_once), store) as hub:
        with pytest.raises(RuntimeError, match="once"):
            post(hub).result(WAIT_S)
        assert store.forgotten == store.begun  # the photo that was being written goes
        assert post(hub).result(WAIT_S).result.outcome is Outcome.FAIL
        assert hub.num_waiting == 0


def test_closing_finishes_what_was_taken_and_takes_no_more() -> None:
    gate = Gate()
    with hub_of(loaded(gate)) as hub:
        taken = [post(hub) for _ in range(4)]
        closing = threading.Thread(target=hub.close)
        assert gate.arrived.wait(WAIT_S)
        closing.start()
        gate.open()
        closing.join(WAIT_S)
        assert [future.result(0).result.outcome for future in taken] == [Outcome.FAIL] * 4
        with pytest.raises(BusyError, match="is stopping"):
            post(hub)
        with pytest.raises(BusyError, match="is stopping"):
            hub.submit_frame(gray(20), origin=LINE)


def test_closing_waits_for_the_store() -> None:
    store = FakeStore(holds=True)
    with hub_of(store=store) as hub:
        future = post(hub)
        wait_until(lambda: bool(store.added))
        closing = threading.Thread(target=hub.close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()
        store.commit()
        closing.join(WAIT_S)
        assert not closing.is_alive()
        assert future.done()


def test_a_shadow_answers_later_and_its_answer_is_attached() -> None:
    gate = Gate()
    other = loaded(gate, digest="d2", thresholds=Thresholds(1.0, 1.0, 1))
    store = FakeStore()
    with hub_of(store=store, host=FakeHost(loaded(), other)) as hub:
        result = post(hub).result(WAIT_S).result  # while the shadow has not answered
        assert gate.arrived.wait(WAIT_S)
        assert store.shadows == {}
        skipped = post(hub).result(WAIT_S).result
        assert hub.num_shadow_skipped == 1
        gate.open()
    assert set(store.shadows) == {result.id}
    shadow = store.shadows[result.id]
    assert (shadow.model.digest, shadow.outcome) == ("d2", Outcome.PASS)
    assert skipped.outcome is Outcome.FAIL


def test_the_answer_of_a_shadow_that_is_faster_than_the_disk_waits_for_the_row() -> None:
    store = FakeStore(holds=True)
    has_answered = threading.Event()
    other = loaded(has_answered.set, digest="d2")
    with hub_of(store=store, host=FakeHost(loaded(), other)) as hub:
        future = post(hub)
        assert has_answered.wait(WAIT_S)
        assert store.shadows == {}
        store.commit()
        result = future.result(WAIT_S).result
    assert set(store.shadows) == {result.id}


def test_a_shadow_of_another_size_sees_the_photo_at_its_own_size() -> None:
    sizes: list[tuple[int, ...]] = []

    class Sees:
        def score(self, frame: np.ndarray) -> np.ndarray:
            sizes.append(frame.shape[:2])
            return loaded().score(frame)

    other = replace(loaded(digest="d2", input_hw=(64, 96)), model=Sees())
    with hub_of(host=FakeHost(loaded(), other)) as hub:
        post(hub).result(WAIT_S)
    assert sizes == [(64, 96)]


def test_a_shadow_that_fails_is_logged_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("broken shadow")

    store = FakeStore()
    with hub_of(store=store, host=FakeHost(loaded(), loaded(fail, digest="d2"))) as hub:
        assert post(hub).result(WAIT_S).result.outcome is Outcome.FAIL
    assert store.shadows == {}
    assert "the shadow model failed" in caplog.text
