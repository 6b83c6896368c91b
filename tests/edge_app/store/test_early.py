"""A photo may be on disk before its result is known: it gets its name with the result, or goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.shot import now_ms
from edge_app.store.policy import StoragePolicy
from edge_app.store.store import Store
from inspector.errors import InputError
from inspector.postprocess import Thresholds

NOW_MS = now_ms()


def result(name: str, data: bytes = b"\xff\xd8 photo") -> Result:
    return Result(
        id=name,
        created_ms=NOW_MS,
        outcome=Outcome.NO_DECISION,
        origin=Origin(),
        model=ModelVersion("d", "n", "1"),
        thresholds=Thresholds(0.5, 0.25, 1),
        frame_hw=(1, 1),
        photo=Photo(data=data),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose folder of this hour exists: the first photo of an hour is never early."""
    opened = Store.open(tmp_path, policy=StoragePolicy(min_free_bytes=0))
    opened.add(result("first")).result(10)
    yield opened
    opened.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "files").rglob("*") if path.is_file()}


def wait_until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.001)


def test_a_begun_photo_has_no_name_until_its_result_is_added(store: Store, tmp_path: Path) -> None:
    one = result("one")
    store.begin("one", NOW_MS, one.photo)
    wait_until(lambda: "one.jpg.part" in names(tmp_path))
    assert store.add(one).result(10).kept_files
    assert names(tmp_path) == {"first.jpg", "one.jpg"}
    assert store.photo("one") == (b"\xff\xd8 photo", "image/jpeg")


def test_a_photo_whose_result_does_not_come_goes(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=StoragePolicy(min_free_bytes=0))
    store.add(result("first")).result(10)
    store.begin("one", NOW_MS, result("one").photo)
    store.forget("one")
    store.begin("two", NOW_MS, result("two").photo)
    store.close()
    assert names(tmp_path) == {"first.jpg"}


def test_a_photo_that_was_begun_and_is_not_wanted_any_more_goes(store: Store, tmp_path: Path) -> None:
    one = result("one")
    store.begin("one", NOW_MS, one.photo)
    store.set_policy(StoragePolicy(photos="none", min_free_bytes=0))
    receipt = store.add(replace(one)).result(10)
    assert (receipt.stored, receipt.kept_files) == (True, False)
    wait_until(lambda: names(tmp_path) == {"first.jpg"})


def test_nothing_is_begun_where_the_outcome_decides_what_is_kept(store: Store, tmp_path: Path) -> None:
    store.set_policy(StoragePolicy(photos="non_pass", min_free_bytes=0))
    store.begin("one", NOW_MS, result("one").photo)
    assert store.add(result("one")).result(10).kept_files
    assert names(tmp_path) == {"first.jpg", "one.jpg"}


def test_a_photo_that_cannot_be_made_early_is_no_early_error(store: Store) -> None:
    broken = Photo(data=b"x", media_type="image/none")
    store.begin("one", NOW_MS - 10 * 3_600_000, broken)  # the folder of that hour does not exist
    assert store.add(replace(result("one"), created_ms=NOW_MS - 10 * 3_600_000)).result(10).kept_files


def test_an_id_that_could_leave_the_folder_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="has other characters than"):
        store.begin("../x", NOW_MS, result("x").photo)
