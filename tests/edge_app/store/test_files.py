"""Files: the order of fsync and rename, and what is left after errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from edge_app.store.files import NewFile, ResultFiles, write_files
from tests.edge_app.store.made import NOON_MS


def test_paths_are_by_the_hour_in_utc(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    assert files.photo_path("a1", NOON_MS, "image/png") == tmp_path / "2026/11/24/12/a1.png"
    assert files.score_path("a1", NOON_MS + 3_600_000 - 1) == tmp_path / "2026/11/24/12/a1.score"
    files.folder(NOON_MS).mkdir(parents=True)
    (tmp_path / "2026/13/99/77").mkdir(parents=True)
    assert list(files.hours()) == [NOON_MS]


def name_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").resolve()


def test_a_name_is_seen_only_when_its_bytes_are_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def logged_fsync(descriptor: int) -> None:
        events.append(f"fsync {name_of(descriptor).relative_to(tmp_path)}")
        fsync(descriptor)

    def logged_replace(self: Path, target: Path) -> Path:
        events.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(Path, "replace", logged_replace)
    new = [NewFile(tmp_path / "h" / "12" / name, b"data") for name in ("a.jpg", "a.score")]
    assert write_files(new) == {}
    assert events == [
        "fsync h/12/a.jpg.part",
        "rename a.jpg",
        "fsync h/12/a.score.part",
        "rename a.score",
        "fsync .",  # the name h
        "fsync h",  # the name 12
        "fsync h/12",  # the files' names
    ]


def failing(code: int, path: Path) -> Any:
    """Return an fsync that fails for `path`."""
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if name_of(descriptor) == path:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    return fail


def test_a_file_that_cannot_be_synced_leaves_nothing_and_hurts_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = NewFile(tmp_path / "a.jpg", b"1"), NewFile(tmp_path / "b.jpg", b"2")
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC, tmp_path / "b.jpg.part"))
    failures = write_files([bad, good])
    assert [(path.name, error.errno) for path, error in failures.items()] == [("b.jpg", errno.ENOSPC)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_folder_that_cannot_be_synced_fails_all_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = [NewFile(tmp_path / "h" / name, b"1") for name in ("a.jpg", "b.jpg")]
    monkeypatch.setattr(os, "fsync", failing(errno.EIO, tmp_path / "h"))
    assert set(write_files(new)) == {item.path for item in new}
    assert list((tmp_path / "h").iterdir()) == []


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"first")
    failures = write_files([NewFile(path, b"second")])
    assert isinstance(failures[path], FileExistsError)
    assert path.read_bytes() == b"first"
