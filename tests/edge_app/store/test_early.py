"""Photo and map may be on disk before their result is known: they go where it does not come."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.shot import now_ms
from edge_app.store import files
from edge_app.store.policy import StoragePolicy
from edge_app.store.score_map import encode_score, largest_file
from edge_app.store.store import Store
from inspector.errors import InputError
from inspector.postprocess import Thresholds

NOW_MS = now_ms()
PHOTO = b"\xff\xd8 photo"
SCORE = np.random.default_rng(0).random((8, 6), dtype=np.float32)


def result(name: str, score: np.ndarray | None = None) -> Result:
    return Result(
        id=name,
        created_ms=NOW_MS,
        outcome=Outcome.NO_DECISION,
        origin=Origin(),
        model=ModelVersion("d", "n", "1"),
        thresholds=Thresholds(0.5, 0.25, 1),
        frame_hw=(1, 1),
        photo=Photo(data=PHOTO),
        score=score,
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


def begin(store: Store, name: str) -> None:
    """Begin a photo and wait until it and the name of its map are on disk."""
    store.begin(name, NOW_MS, result(name).photo, map_hw=(8, 6))
    wait_until(lambda: {f"{name}.jpg", f"{name}.score"} <= names(store.path.parent))


def test_files_are_there_before_the_result_and_are_its_own_afterwards(store: Store, tmp_path: Path) -> None:
    begin(store, "one")
    store.begin_score("one", SCORE)
    score_path = next(tmp_path.rglob("one.score"))
    wait_until(lambda: score_path.read_bytes().strip(b"\0") != b"")
    assert store.add(result("one", SCORE)).result(10).kept_files
    assert names(tmp_path) == {"first.jpg", "one.jpg", "one.score"}
    assert store.photo("one") == (PHOTO, "image/jpeg")
    assert np.array_equal(store.score("one"), SCORE)  # type: ignore[arg-type]


def test_after_the_map_bytes_are_synced_and_no_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name, or a file that grows, waits for the file system's journal, and so for all that others write."""
    events: list[str] = []

    def logged(what: str, sync: Callable[[int], None]) -> Callable[[int], None]:
        def wrapped(descriptor: int) -> None:
            sync(descriptor)
            events.append(f"{what} {Path(f'/proc/self/fd/{descriptor}').resolve().name}")

        return wrapped

    monkeypatch.setattr(os, "fsync", logged("all of", os.fsync))
    monkeypatch.setattr(files, "SYNC_DATA", logged("bytes of", files.SYNC_DATA))
    store.begin("one", NOW_MS, result("one").photo, map_hw=(8, 6))
    wait_until(lambda: len(events) == 3)
    path = next(store.path.parent.rglob("one.score"))
    assert path.read_bytes() == bytes(largest_file((8, 6)))
    store.begin_score("one", SCORE)
    assert store.add(result("one", SCORE)).result(10).kept_files
    assert events == [
        "all of one.score",
        "all of one.jpg.part",
        f"all of {path.parent.name}",
        "bytes of one.score",
    ]


def test_the_room_that_a_map_does_not_need_is_given_back(store: Store, tmp_path: Path) -> None:
    begin(store, "one")
    path, flat = next(tmp_path.rglob("one.score")), np.zeros((8, 6), np.float32)
    store.begin_score("one", flat)
    assert store.add(result("one", flat)).result(10).kept_files
    wait_until(lambda: path.read_bytes() == encode_score(flat))
    assert path.stat().st_size < largest_file((8, 6))


def test_a_map_that_needs_more_room_than_was_made_is_whole(store: Store) -> None:
    store.begin("one", NOW_MS, result("one").photo, map_hw=(1, 1))
    store.begin_score("one", SCORE)
    assert store.add(result("one", SCORE)).result(10).kept_files
    assert np.array_equal(store.score("one"), SCORE)  # type: ignore[arg-type]


def test_a_map_that_was_not_begun_is_written_with_its_result(store: Store, tmp_path: Path) -> None:
    begin(store, "one")
    assert store.add(result("one", SCORE)).result(10).kept_files
    assert np.array_equal(store.score("one"), SCORE)  # type: ignore[arg-type]


def test_a_result_without_a_map_leaves_no_empty_file(store: Store, tmp_path: Path) -> None:
    begin(store, "one")
    assert store.add(result("one")).result(10).kept_files
    assert names(tmp_path) == {"first.jpg", "one.jpg"}


def test_a_map_whose_photo_was_not_begun_is_written_with_its_result(store: Store) -> None:
    store.begin_score("one", SCORE)
    assert store.add(result("one", SCORE)).result(10).kept_files
    assert np.array_equal(store.score("one"), SCORE)  # type: ignore[arg-type]


def test_a_sweep_leaves_what_was_begun(store: Store, tmp_path: Path) -> None:
    begin(store, "one")
    (tmp_path / "files" / "2026").mkdir(exist_ok=True)
    orphan = next(tmp_path.rglob("one.jpg")).with_name("nobody.jpg")
    orphan.write_bytes(b"x")
    store._housekeeping._sweep.run()
    assert names(tmp_path) == {"first.jpg", "one.jpg", "one.score"}


def test_an_early_write_never_touches_another_results_files(store: Store, tmp_path: Path) -> None:
    store.add(result("one", SCORE)).result(10)
    store.begin("one", NOW_MS, Photo(data=b"another"))
    store.begin_score("one", SCORE + 1)
    receipt = store.add(replace(result("one", SCORE + 1), photo=Photo(data=b"another"))).result(10)
    assert not receipt.stored
    store.begin("one", NOW_MS, Photo(data=b"another"))
    store.forget("one")
    store.add(result("two")).result(10)
    assert store.photo("one") == (PHOTO, "image/jpeg")
    assert np.array_equal(store.score("one"), SCORE)  # type: ignore[arg-type]


def test_a_map_waits_for_its_own_photo_and_for_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, begin_files = threading.Event(), files.begin_files

    def slow(batch: Sequence[files.Beginning]) -> dict[Path, OSError]:
        if batch and batch[0].photo.path.name == "two.jpg":
            assert may_go_on.wait(10)
        return begin_files(batch)

    monkeypatch.setattr("edge_app.store.early.begin_files", slow)
    begin(store, "one")
    store.begin("two", NOW_MS, result("two").photo)
    store.begin_score("one", SCORE)
    assert store.add(result("one", SCORE)).result(10).kept_files
    may_go_on.set()


def test_photos_that_wait_for_the_disk_share_its_syncs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, begin_files = threading.Event(), files.begin_files
    batches: list[list[str]] = []

    def slow(batch: Sequence[files.Beginning]) -> dict[Path, OSError]:
        if batch:
            batches.append([new.photo.path.stem for new in batch])
        assert may_go_on.wait(10)
        return begin_files(batch)

    monkeypatch.setattr("edge_app.store.early.begin_files", slow)
    store.begin("r0", NOW_MS, result("r0").photo)
    wait_until(lambda: batches == [["r0"]])
    for number in range(1, 6):
        store.begin(f"r{number}", NOW_MS, result(f"r{number}").photo)
    may_go_on.set()
    assert store.add(result("r5")).result(10).kept_files
    assert batches == [["r0"], ["r1", "r2", "r3", "r4", "r5"]]


def test_one_photo_that_cannot_be_begun_hurts_no_other(store: Store, tmp_path: Path) -> None:
    """In one batch: one in a folder that is not there, one that is new, one whose name is taken."""
    hour = next(tmp_path.rglob("first.jpg")).parent
    new = [
        files.Beginning(files.NewFile(folder / f"{name}.jpg", PHOTO), folder / f"{name}.score", 10)
        for name, folder in (("bad", hour / "missing"), ("good", hour), ("first", hour))
    ]
    failures = files.begin_files(new)
    assert {path.name: type(error) for path, error in failures.items()} == {
        "bad.jpg": FileNotFoundError,
        "first.jpg": FileExistsError,
    }
    assert names(tmp_path) == {"first.jpg", "good.jpg", "good.score"}


def test_a_photo_that_cannot_be_encoded_is_the_results_own_error(store: Store) -> None:
    broken = Photo(frame=np.zeros((0, 0, 3), np.uint8))
    store.begin("one", NOW_MS, broken)
    receipt = store.add(replace(result("one"), photo=broken)).result(10)
    assert (receipt.stored, receipt.kept_files) == (True, False)
    assert receipt.reason.startswith("its files could not be made")


@pytest.mark.parametrize("name", ["one.jpg.part", "one.score"])
@pytest.mark.parametrize(("code", "is_stored"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_an_early_sync_that_fails(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, is_stored: bool
) -> None:
    """No space: tried again with the result. A broken disk: nothing is trusted, as after any failed sync."""
    fsync = os.fsync
    failed: list[str] = []

    def fail_once(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().name == name and not failed:
            failed.append(name)
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)
    monkeypatch.setattr(files, "SYNC_DATA", fail_once)
    store.begin("one", NOW_MS, result("one").photo)
    store.begin_score("one", SCORE)
    receipt = store.add(result("one", SCORE)).result(10)
    assert failed == [name]
    assert (receipt.stored, receipt.kept_files) == (is_stored, is_stored)
    assert names(tmp_path) == ({"first.jpg", "one.jpg", "one.score"} if is_stored else {"first.jpg"})
    assert store.status().state == ("ok" if is_stored else "failed")


def test_a_photo_whose_result_does_not_come_goes(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=StoragePolicy(min_free_bytes=0))
    store.add(result("first")).result(10)
    store.begin("one", NOW_MS, result("one").photo)
    store.forget("one")
    store.begin("two", NOW_MS, result("two").photo)
    store.begin_score("two", SCORE)
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
