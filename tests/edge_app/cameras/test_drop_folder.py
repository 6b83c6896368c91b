"""Dropped files are inspected once each, when they are whole, and end where they belong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_app.cameras.drop_folder import DropFolder
from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraError, Trigger
from edge_app.services.keeping import NotKept, Stored
from edge_app.services.result import Origin, Outcome
from edge_app.services.tally import StationStats
from inspector.errors import InputError
from tests.edge_app.cameras.fakes import eventually, result, settings


class Submit:
    """Stands for `InspectionService.submit`."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, str, Origin]] = []
        self.num_busy = 0
        self.error: Exception | None = None

    def __call__(self, photo: bytes, *, media_type: str, origin: Origin, view: Any) -> Future[Stored]:
        if self.num_busy:
            self.num_busy -= 1
            raise BusyError("busy")
        self.calls.append((photo, media_type, origin))
        future: Future[Stored] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(Stored(result(Outcome.PASS, origin), NotKept("a test")))
        return future


@contextmanager
def dropping(
    folder: Path, submit: Submit, *, then: str = "move", look_s: float = 0.01
) -> Iterator[DropFolder]:
    chosen = settings(address="", trigger="file", file={"folder": "drop", "then": then}, lot="L7")
    station = DropFolder(lambda: folder, chosen, submit, look_s=look_s)
    station.start()
    try:
        yield station
    finally:
        station.stop()


def image(value: int, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, np.full((8, 8, 3), value, np.uint8))[1].tobytes()


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_are_inspected_once_and_moved(tmp_path: Path) -> None:
    submit = Submit()
    (tmp_path / "a.png").write_bytes(image(1))
    with dropping(tmp_path, submit) as station:
        (tmp_path / "b.JPG").write_bytes(image(2, ".jpg"))
        eventually(lambda: station.stats.num_inspected == 2)
        (tmp_path / "a.png").write_bytes(image(3))  # another file of a name that was there
        eventually(lambda: files(tmp_path) == ["inspected/a.png", "inspected/a_2.png", "inspected/b.JPG"])
    assert [(photo, kind) for photo, kind, _ in submit.calls] == [
        (image(1), "image/png"),
        (image(2, ".jpg"), "image/jpeg"),
        (image(3), "image/png"),
    ]
    origin = submit.calls[0][2]
    assert (origin.source, origin.trigger, origin.lot) == ("line1", "file", "L7")
    assert origin.captured_ms is not None


def test_files_that_are_left_are_inspected_once_also_after_a_restart(tmp_path: Path) -> None:
    submit = Submit()
    (tmp_path / "a.png").write_bytes(image(1))
    for _ in range(2):
        with dropping(tmp_path, submit, then="leave"):
            eventually(lambda: submit.calls)
            threading.Event().wait(0.1)
    assert len(submit.calls) == 1
    with dropping(tmp_path, submit, then="leave"):
        (tmp_path / "a.png").write_bytes(image(200) + b" ")  # the same name, another file
        eventually(lambda: len(submit.calls) == 2)
    assert files(tmp_path) == [".inspected", "a.png"]


def test_a_file_that_still_grows_waits(tmp_path: Path) -> None:
    submit = Submit()
    whole = image(1) * 50
    # Looks far apart: on a machine that stalls between two writes the file would not have grown between two.
    with dropping(tmp_path, submit, look_s=0.5) as station, (tmp_path / "a.png").open("wb") as file:
        for start in range(0, len(whole), len(whole) // 20):
            file.write(whole[start : start + len(whole) // 20])
            file.flush()
            threading.Event().wait(0.004)
        file.close()
        eventually(lambda: station.stats.num_inspected == 1)
    assert submit.calls[0][0] == whole


def test_what_is_no_image_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    submit = Submit()
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.png").write_bytes(image(1))
    (tmp_path / "notes.txt").write_text("left alone")
    (tmp_path / ".hidden.png").write_bytes(image(1))
    (tmp_path / "link.png").symlink_to("/etc/hostname")
    with dropping(tmp_path, submit) as station:
        eventually(lambda: station.stats.num_inspected == 1)
    assert station.stats.num_failed == 1
    assert "a.png" in station.stats.last_error
    assert "unreadable/a.png" in files(tmp_path)
    assert {".hidden.png", "link.png", "notes.txt"} <= {path.name for path in tmp_path.iterdir()}
    assert len(submit.calls) == 1


def test_a_view_that_does_not_fit_sets_the_file_aside(tmp_path: Path) -> None:
    submit = Submit()
    submit.error = InputError("the region of interest is 1x1 px")
    (tmp_path / "a.png").write_bytes(image(1))
    with dropping(tmp_path, submit) as station:
        eventually(lambda: station.stats.num_failed == 1)
    assert files(tmp_path) == ["unreadable/a.png"]


def test_a_file_that_cannot_be_read_does_not_keep_the_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    submit = Submit()
    (tmp_path / "a.png").write_bytes(image(1))
    (tmp_path / "b.png").write_bytes(image(2))
    with dropping(tmp_path, submit) as station:
        eventually(lambda: station.stats.num_inspected == 1)
        eventually(lambda: "a.png: [Errno 13] Permission denied" in station.stats.last_error)
    assert files(tmp_path) == ["a.png", "inspected/b.png"]


def test_an_error_of_the_network_ends_no_folder(tmp_path: Path) -> None:
    submit = Submit()
    submit.error = RuntimeError("the network broke")
    (tmp_path / "a.png").write_bytes(image(1))
    with dropping(tmp_path, submit) as station:
        eventually(lambda: "the network broke" in station.stats.last_error)
        submit.error = None
        eventually(lambda: station.stats.num_inspected == 1)
    assert files(tmp_path) == ["inspected/a.png"]


def test_a_file_that_cannot_be_moved_is_inspected_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(_path: Path, _target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refusing)
    submit = Submit()
    (tmp_path / "a.png").write_bytes(image(1))
    with dropping(tmp_path, submit) as station:
        eventually(lambda: "Permission denied" in station.stats.last_error)
        (tmp_path / "b.png").write_bytes(image(2))  # so that there are more looks at a.png
        eventually(lambda: station.stats.num_inspected == 2)
    assert [photo for photo, _, _ in submit.calls] == [image(1), image(2)]


def test_a_file_waits_while_the_hub_is_busy(tmp_path: Path) -> None:
    submit = Submit()
    submit.num_busy = 3
    (tmp_path / "a.png").write_bytes(image(1))
    with dropping(tmp_path, submit) as station:
        eventually(lambda: station.stats.num_inspected == 1)
    assert (submit.num_busy, station.stats.num_failed) == (0, 0)


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    submit = Submit()
    with dropping(tmp_path / "later", submit) as station:
        eventually(lambda: "No such file" in station.stats.last_error)
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "a.png").write_bytes(image(1))
        eventually(lambda: station.stats.num_inspected == 1)
        assert isinstance(station.stats, StationStats)
        with pytest.raises(CameraError, match="line1 inspects the files of a folder"):
            station.trigger(Trigger.HTTP)
