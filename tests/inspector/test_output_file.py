"""A file that was written is whole, and still there after a power cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.errors import StorageError
from inspector.output_file import write_file


def test_a_written_file_is_durable_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data is synced before the rename, its folder after it, or a power cut brings the old one back."""
    path = tmp_path / "keys.json"
    path.write_bytes(b"old")
    synced: list[tuple[bool, bytes]] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((target == tmp_path, path.read_bytes()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    assert write_file(path, b"new") == path
    assert synced == [(False, b"old"), (True, b"new")]
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        StorageError, match=r"cannot write .*folder: .*free some space or choose another folder"
    ):
        write_file(tmp_path / "folder", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
