"""A database that is gone beside its photos: once the sweep took all of them for leftovers of a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.store import Store
from edge_app.store.lost_database import LostDatabaseError
from tests.edge_app.store.made import KEEP_ALL, WAIT_S, made


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A folder with one result and its files."""
    store = Store.open(tmp_path, policy=KEEP_ALL)
    assert store.add(made()).result(WAIT_S).kept_files
    store.close()
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "files").rglob("*.*")}


@pytest.mark.parametrize("is_there", [True, False])
def test_photos_without_their_database_are_left_alone(used: Path, is_there: bool) -> None:
    before = names(used)
    (used / "results.sqlite").unlink()
    if is_there:
        (used / "results.sqlite").touch()
    for _ in range(2):  # nothing was begun that would count as a database the next time
        with pytest.raises(
            LostDatabaseError, match=r"results\.sqlite is missing or empty, but .*files holds"
        ):
            Store.open(used, policy=KEEP_ALL)
    assert names(used) == before


def test_photos_that_a_first_start_left_behind_are_no_lost_database(tmp_path: Path) -> None:
    """Killed before its first commit, a server leaves files and a database without rows."""
    Store.open(tmp_path, policy=KEEP_ALL).close()
    (tmp_path / "files" / "2026").mkdir(parents=True)
    (tmp_path / "files" / "2026" / "r1.jpg").write_bytes(b"left")
    Store.open(tmp_path, policy=KEEP_ALL).close()


def test_empty_folders_are_no_photos(tmp_path: Path) -> None:
    (tmp_path / "files" / "2026" / "11").mkdir(parents=True)
    Store.open(tmp_path, policy=KEEP_ALL).close()
