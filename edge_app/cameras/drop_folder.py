"""Inspects the images that are dropped into a folder, once each.

A file is taken when its size and time have stood still for two looks. It is moved, or noted as done, after
its result is committed: when the power fails in between it is inspected again, never forgotten.
"""

import logging
import os
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Set, Tuple

from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraError, CameraSettings, FileTriggerSettings, Trigger
from edge_app.services.result import Origin, Result
from edge_app.services.tally import StationStats, Tally
from inspector.errors import ImageError, InputError, InspectorError
from inspector.image_file import UPLOAD_FORMATS
from inspector.image_header import read_header
from inspector.view import View

logger = logging.getLogger(__name__)

LOOK_S = 0.25
ANSWER_S = 60.0
MAX_BYTES = 200_000_000
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
DONE, FAILED, NOTES = "inspected", "unreadable", ".inspected"

Stamp = Tuple[int, int]  # size and modification time: another file of the same name has another one
SubmitPhoto = Callable[..., "Future[Any]"]


class DropFolder:
    """A station without a camera: its photos are files."""

    def __init__(
        self,
        find_folder: Callable[[], Path],
        settings: CameraSettings,
        submit: SubmitPhoto,
        *,
        look_s: float = LOOK_S,
    ) -> None:
        """Hold a folder, which is looked for again each time; `submit` is `InspectionService.submit`."""
        assert settings.file is not None
        self._find_folder, self._settings, self._submit, self._look_s = find_folder, settings, submit, look_s
        self._file: FileTriggerSettings = settings.file
        self._view: Optional[View] = settings.view()
        self._tally = Tally()
        self._seen: Dict[str, Stamp] = {}
        self._done: Optional[Set[str]] = None
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"drop-{settings.name}", daemon=True)

    @property
    def stats(self) -> StationStats:
        """What has been done since the start."""
        return self._tally.stats

    def start(self) -> None:
        """Begin to look, with the files that are there already."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more files."""
        self._is_stopping.set()
        self._thread.join()

    def trigger(self, kind: Trigger, *, lot: str = "") -> "Future[Result]":
        """Refuse: the files are the triggers."""
        raise CameraError(f"{self._settings.name} inspects the files of a folder; drop one there")

    def _run(self) -> None:
        while not self._is_stopping.wait(self._look_s):
            try:
                self._look(self._find_folder())
            except Exception as error:  # whatever it is, files must not lie there unseen
                self._note(error)

    def _note(self, error: Exception, *, where: str = "") -> None:
        """Keep an error, and log it when it is a new one: it may come again at each look."""
        text = f"{where}{error}" if isinstance(error, (OSError, InspectorError)) else f"{where}{error!r}"
        if text[:300] != self._tally.stats.last_error:
            logger.error("camera %s: %s", self._settings.name, text)
        self._tally.note(text)

    def _look(self, folder: Path) -> None:
        if self._done is None:
            self._done = _noted(folder)
        now: Dict[str, Stamp] = {}
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in SUFFIXES:
                continue
            if not entry.is_file(follow_symlinks=False):
                continue
            status = entry.stat(follow_symlinks=False)
            now[entry.name] = (status.st_size, status.st_mtime_ns)
        ready = [name for name, stamp in now.items() if self._seen.get(name) == stamp and stamp[0] > 0]
        self._seen = now
        for name in ready:
            if self._is_stopping.is_set():
                return
            if _note(name, now[name]) in self._done:
                continue
            try:
                self._inspect(folder / name, now[name])
            except Exception as error:  # the file stays, and the ones behind it do not wait for it
                self._note(error, where=f"{name}: ")

    def _inspect(self, path: Path, stamp: Stamp) -> None:
        try:
            if stamp[0] > MAX_BYTES:
                raise ImageError(f"it has {stamp[0]} bytes; at most {MAX_BYTES} are read")
            data = path.read_bytes()
            future = self._submit(
                data,
                media_type=_media_type(data),
                origin=Origin(
                    source=self._settings.name,
                    trigger=Trigger.FILE.value,
                    lot=self._settings.lot,
                    captured_ms=stamp[1] // 1_000_000,
                ),
                view=self._view,
            )
            stored = future.result(ANSWER_S)
        except (BusyError, FutureTimeoutError):  # the file stays: next time
            return
        except InputError as error:  # no image, or one that the view does not fit
            self._tally.failed(f"{path.name}: {error}")
            self._finish(path, stamp, FAILED)
            return
        self._tally.finished(stored.result)
        self._finish(path, stamp, DONE)

    def _finish(self, path: Path, stamp: Stamp, where: str) -> None:
        note, moves = _note(path.name, stamp), self._file.then == "move"
        assert self._done is not None
        self._done.add(note)  # first: what cannot be moved or noted down is not inspected again and again
        if moves:
            _move(path, path.parent / where)
            self._done.discard(note)
            return
        with (path.parent / NOTES).open("a", encoding="utf-8") as notes:
            notes.write(note + "\n")


def _move(path: Path, target: Path) -> None:
    """Move a file into a folder, under another name where its own is taken."""
    target.mkdir(exist_ok=True)
    free, number = target / path.name, 1
    while free.exists():
        number += 1
        free = target / f"{path.stem}_{number}{path.suffix}"
    path.rename(free)


def _note(name: str, stamp: Stamp) -> str:
    return f"{stamp[0]} {stamp[1]} {name!r}"


def _noted(folder: Path) -> Set[str]:
    """Return what was inspected before and left where it was."""
    notes = folder / NOTES
    return set(notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else set()


def _media_type(data: bytes) -> str:
    """Return the type by the first bytes; ImageError for what is no photo."""
    found = read_header(data).format
    if found not in UPLOAD_FORMATS:
        raise ImageError(f"a {found.upper()} image; JPEG, PNG and BMP are inspected")
    return f"image/{found}"
