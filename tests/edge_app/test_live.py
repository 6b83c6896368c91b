"""Live viewers: each sees the newest, none is waited for, pictures are drawn once and only when wanted."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_app.services.live import MAX_TO_DRAW, LiveHub, overlay_of
from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from inspector.postprocess import Thresholds, judge
from inspector.view import View

OWN = Thresholds(fail=0.5, review=0.25, min_area_px=1)
SCORE = np.zeros((32, 48), np.float32)
SCORE[8:20, 12:28] = 1.0


def result(name: str = "r", *, source: str = "line", frame: np.ndarray | None = None) -> Result:
    frame = np.full((320, 480, 3), 90, np.uint8) if frame is None else frame
    judgement = judge(SCORE, OWN)
    return Result(
        id=name,
        created_ms=0,
        outcome=Outcome(judgement.verdict.value),
        origin=Origin(source=source),
        model=ModelVersion("d", "n", "1"),
        thresholds=OWN,
        frame_hw=(int(frame.shape[0]), int(frame.shape[1])),
        photo=Photo(frame=frame),
        score=SCORE,
        judgement=judgement,
    )


def test_a_viewer_gets_results_and_a_slow_one_only_the_newest() -> None:
    hub = LiveHub()

    async def watch() -> list[tuple[str, int]]:
        with hub.watch() as viewer:
            for name in "abc":
                hub.publish(result(name))
            first = await viewer.next()
            hub.publish(result("d"))
            second = await viewer.next()
        assert first is not None
        assert second is not None
        return [(update.result.id, update.num_skipped) for update in (first, second)]

    assert asyncio.run(watch()) == [("c", 2), ("d", 0)]
    assert hub.num_viewers == 0
    hub.close()


def test_a_viewer_of_one_source_sees_no_other() -> None:
    hub = LiveHub()

    async def watch() -> str:
        with hub.watch(source="left") as viewer:
            hub.publish(result("a", source="left"))
            hub.publish(result("b", source="right"))
            update = await viewer.next()
            assert update is not None
            return update.result.id

    assert asyncio.run(watch()) == "a"


def test_a_picture_is_drawn_once_for_all_viewers() -> None:
    drawn: list[str] = []

    def draw(drawn_result: Result) -> bytes:
        drawn.append(drawn_result.id)
        return b"jpeg"

    hub = LiveHub(draw=draw)

    async def watch() -> set[bytes | None]:
        viewers = [hub.watch(pictures=True) for _ in range(10)]
        hub.publish(result("a"))
        updates = [await viewer.next() for viewer in viewers]
        for viewer in viewers:
            viewer.__exit__()
        return {update.picture for update in updates if update is not None}

    assert asyncio.run(watch()) == {b"jpeg"}
    assert drawn == ["a"]
    hub.publish(result("b"))  # nobody watches
    hub.close()
    assert drawn == ["a"]


def test_publishing_does_not_wait_for_a_picture_that_takes_long() -> None:
    is_drawing, go_on = threading.Event(), threading.Event()

    def draw(drawn_result: Result) -> bytes:
        is_drawing.set()
        assert go_on.wait(10)
        return drawn_result.id.encode()

    hub = LiveHub(draw=draw, min_interval_s=0)

    async def watch() -> list[bytes | None]:
        with hub.watch(pictures=True) as viewer:
            hub.publish(result("first"))
            await asyncio.get_running_loop().run_in_executor(None, is_drawing.wait, 10)
            for number in range(100):
                hub.publish(result(str(number)))  # would hang here
            go_on.set()
            pictures: list[bytes | None] = []
            while b"99" not in pictures:
                update = await viewer.next()
                assert update is not None
                pictures.append(update.picture)
            return pictures

    pictures = asyncio.run(watch())
    assert set(pictures) <= {b"first", b"99"}  # what came in between was never drawn
    hub.close()


def test_a_source_that_floods_does_not_keep_another_from_being_drawn() -> None:
    now = [0.0]
    hub = LiveHub(draw=lambda drawn: drawn.origin.source.encode(), min_interval_s=1000, clock=lambda: now[0])

    async def watch() -> list[bytes | None]:
        with hub.watch(source="fast", pictures=True) as fast, hub.watch(source="slow", pictures=True) as slow:
            hub.publish(result(source="fast"))
            first = await fast.next()
            hub.publish(result(source="fast"))  # not due before 1000 s
            hub.publish(result(source="slow"))
            other = await slow.next()
            assert first is not None
            assert other is not None
            return [first.picture, other.picture]

    assert asyncio.run(watch()) == [b"fast", b"slow"]
    hub.close()


def test_names_of_sources_without_end_take_no_memory_without_end() -> None:
    now = [0.0]
    go_on, drawing = threading.Event(), threading.Event()

    def draw(drawn: Result) -> bytes:
        drawing.set()
        assert go_on.wait(10)
        return drawn.origin.source.encode()

    hub = LiveHub(draw=draw, min_interval_s=1, clock=lambda: now[0])

    async def watch() -> None:
        with hub.watch(pictures=True) as viewer:
            hub.publish(result(source="first"))
            assert drawing.wait(10)
            for number in range(200):
                hub.publish(result(source=f"part {number}"))
            assert len(hub._to_draw) == MAX_TO_DRAW
            assert "part 199" in hub._to_draw
            now[0] = 100.0
            go_on.set()
            while (await viewer.next()).picture != b"part 199":  # type: ignore[union-attr]
                now[0] += 100.0
            assert len(hub._drawn_s) <= MAX_TO_DRAW

    asyncio.run(watch())
    hub.close()


def test_a_picture_that_cannot_be_drawn_is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def draw(drawn_result: Result) -> bytes:
        if drawn_result.id == "bad":
            raise ValueError("no")
        return b"good"

    hub = LiveHub(draw=draw, min_interval_s=0)

    async def watch() -> bytes | None:
        with hub.watch(pictures=True) as viewer:
            hub.publish(result("bad"))
            while "could not be drawn" not in caplog.text:
                await asyncio.sleep(0.001)
            hub.publish(result("good"))
            update = await viewer.next()
            assert update is not None
            return update.picture

    assert asyncio.run(watch()) == b"good"
    hub.close()


def test_closing_sends_viewers_away() -> None:
    hub = LiveHub()

    async def watch() -> tuple[object, object]:
        with hub.watch(pictures=True) as viewer:
            waiting = asyncio.create_task(viewer.next())
            await asyncio.sleep(0)
            hub.close()
            late = hub.watch()
            return await waiting, await late.next()

    assert asyncio.run(watch()) == (None, None)


def test_the_picture_is_small_and_shows_the_map_where_it_lies() -> None:
    frame = np.full((1500, 2000, 3), 90, np.uint8)
    whole = result(frame=frame)
    right_half = replace(whole, view=View(roi=((0.5, 0), (1, 0), (1, 1), (0.5, 1))), input_hw=(32, 48))
    for shown, columns in ((whole, (0.25, 0.58)), (right_half, (0.625, 0.79))):
        picture = cv2.imdecode(np.frombuffer(overlay_of(shown), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (768, 1024, 3)
        changed = np.abs(picture.astype(int) - 90).max(axis=2) > 60
        changed[:120, :300] = False  # the badge
        at = np.flatnonzero(changed.any(axis=0)) / 1024
        assert columns[0] - 0.06 < at.min() < columns[0] + 0.06
        assert columns[1] - 0.06 < at.max() < columns[1] + 0.06


def test_a_photo_that_was_sent_as_a_file_is_shown_too_and_no_decision_has_no_map() -> None:
    frame = np.full((2400, 3200, 3), 90, np.uint8)
    photo = Photo(data=cv2.imencode(".jpg", frame)[1].tobytes())
    undecided = replace(result(), photo=photo, outcome=Outcome.NO_DECISION, score=None, judgement=None)
    picture = cv2.imdecode(np.frombuffer(overlay_of(undecided), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (768, 1024, 3)
    assert np.abs(picture.astype(int) - 90).max() < 4
