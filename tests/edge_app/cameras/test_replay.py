"""Recordings play at their rate, once or for ever, and a bad file stops none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_app.cameras.replay import ReplaySource, open_folder, open_video
from edge_app.cameras.source import SourceError, SourceRequest


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def frames(count: int = 3) -> Iterator[np.ndarray]:
    return iter([np.full((8, 8, 3), value, np.uint8) for value in range(count)])


def values(source: ReplaySource, count: int) -> list[int | None]:
    read = [source.read() for _ in range(count)]
    return [None if one is None else int(one[0][0, 0, 0]) for one in read]


def test_each_frame_has_its_turn() -> None:
    clock = Clock()
    source = ReplaySource(frames, fps=4, loop=True, clock=clock, sleep=clock.sleep)
    stamps = [read[1] for read in (source.read() for _ in range(5)) if read is not None]
    assert stamps == [100.0, 100.25, 100.5, 100.75, 101.0]


def test_a_late_frame_does_not_delay_the_others_and_a_very_late_one_makes_no_burst() -> None:
    clock = Clock()
    source = ReplaySource(lambda: frames(9), fps=4, loop=False, clock=clock, sleep=clock.sleep)
    source.read()
    clock.now_s += 0.3  # 50 ms late
    assert source.read() is not None
    read = source.read()
    assert read is not None
    assert read[1] == pytest.approx(100.5)
    clock.now_s += 5
    source.read()
    read = source.read()
    assert read is not None
    assert read[1] == pytest.approx(105.75)


def test_looping_and_stopping() -> None:
    clock = Clock()
    again = ReplaySource(frames, fps=1, loop=True, clock=clock, sleep=clock.sleep)
    assert values(again, 7) == [0, 1, 2, 0, 1, 2, 0]
    once = ReplaySource(frames, fps=1, loop=False, clock=clock, sleep=clock.sleep)
    assert values(once, 5) == [0, 1, 2, None, None]


def request(path: Path, *, kind: str, fps: float | None = None) -> SourceRequest:
    return SourceRequest(kind=kind, place=str(path), fps=fps, loop=False)


def test_a_folder_plays_its_images_by_name_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    for name, value in (("b.png", 20), ("a.jpg", 10), ("c.PNG", 30)):
        cv2.imwrite(str(tmp_path / name), np.full((16, 16, 3), value, np.uint8))
    (tmp_path / "a_broken.png").write_bytes(b"no image")
    (tmp_path / ".hidden.png").write_bytes((tmp_path / "b.png").read_bytes())
    (tmp_path / "notes.txt").write_text("no image")
    source = open_folder(request(tmp_path, kind="folder", fps=200))
    assert source.fps == 200
    assert values(source, 4) == [10, 20, 30, None]
    assert open_folder(request(tmp_path, kind="folder")).fps == 1


def test_a_video_plays_at_its_own_rate_or_at_another(tmp_path: Path) -> None:
    path = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))  # type: ignore[attr-defined]
    for value in (50, 100, 150):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    assert open_video(request(path, kind="video")).fps == 10
    source = open_video(request(path, kind="video", fps=200))
    assert source.fps == 200
    read = values(source, 4)
    assert read[3] is None
    assert [round(value or 0, -1) for value in read[:3]] == [50, 100, 150]


def test_what_cannot_be_played_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "line.mp4").write_bytes(b"no video")
    with pytest.raises(SourceError, match="the folder empty holds no images"):
        open_folder(request(tmp_path / "empty", kind="folder"))
    with pytest.raises(SourceError, match="the folder gone cannot be read: No such file"):
        open_folder(request(tmp_path / "gone", kind="folder"))
    with pytest.raises(SourceError, match=r"line\.mp4 is not a video that can be read"):
        open_video(request(tmp_path / "line.mp4", kind="video"))
