"""What goes, in which order, and what stays when something fails."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from edge_app.store import ResultFilter, StoragePolicy, Store
from edge_app.store import retention as retention_module
from edge_app.store.files import ResultFiles
from edge_app.store.housekeeping import Housekeeping
from edge_app.store.retention import Retention
from edge_app.store.sweep import Sweep
from edge_app.store.writer import Writer
from tests.edge_app.store.made import DAY_MS, HOUR_MS, KEEP_ALL, NOON_MS, PHOTO, WAIT_S, made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    store._housekeeping.close()  # the tests take its steps themselves
    yield store
    store.close()


def fill(store: Store, num: int, **changes: Any) -> list[str]:
    """Store `num` results, one an hour, oldest first."""
    results = [made(created_ms=NOON_MS + index * HOUR_MS, **changes) for index in range(num)]
    for receipt in [store.add(result) for result in results]:
        assert receipt.result(WAIT_S).kept_files
    return [result.id for result in results]


def retain(store: Store, policy: StoragePolicy, *, now_ms: int = NOON_MS + 2 * DAY_MS) -> int:
    files = ResultFiles(store.path.parent / "files")
    retention = Retention(store.writer, files, lambda: policy, now_ms=lambda: now_ms, steady_ms=lambda: 0)
    return retention.run()


def ids(store: Store) -> list[str]:
    return [item.id for item in store.iterate(ResultFilter())]


def names(store: Store) -> set[str]:
    return {path.name for path in (store.path.parent / "files").rglob("*.*")}


@pytest.mark.parametrize("chunk", [200, 3])
def test_old_results_go_with_their_files_and_decisions(
    store: Store, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "CHUNK", chunk)
    made_ids = fill(store, 10)
    for name in made_ids:
        store.decide(name, decision="good", by="ann").result(WAIT_S)
    now_ms = NOON_MS + DAY_MS + 6 * HOUR_MS + 1
    assert retain(store, replace(KEEP_ALL, max_age_days=1), now_ms=now_ms) == 7
    assert ids(store) == made_ids[7:]
    assert names(store) == {f"{name}{suffix}" for name in made_ids[7:] for suffix in (".jpg", ".score")}
    assert store.decision_history(made_ids[0]) == []
    assert store.status().num_results == 3
    assert sum(sum(b.counts.values()) for b in store.statistics(from_ms=0, to_ms=2**45, bucket="day")) == 10


def test_the_oldest_go_until_the_rest_fits(store: Store) -> None:
    made_ids = fill(store, 10, data=PHOTO + bytes(50_000))
    used = store.status().num_bytes
    assert retain(store, replace(KEEP_ALL, max_bytes=used - 100_000)) == 2
    assert ids(store) == made_ids[2:]
    assert retain(store, replace(KEEP_ALL, max_bytes=used)) == 0


def test_files_that_others_need_room_for_go_but_not_those_of_the_last_day(store: Store) -> None:
    made_ids = fill(store, 10)
    needs_all = replace(KEEP_ALL, min_free_bytes=2**60)
    assert retain(store, needs_all, now_ms=NOON_MS + DAY_MS + 4 * HOUR_MS) == 4
    assert ids(store) == made_ids[4:]


def test_results_stay_where_the_clock_jumped(store: Store) -> None:
    fill(store, 3)
    policy = replace(KEEP_ALL, max_age_days=1)
    times = iter([NOON_MS, *[NOON_MS + 3650 * DAY_MS] * 10])
    files = ResultFiles(store.path.parent / "files")
    jumped = Retention(store.writer, files, lambda: policy, now_ms=lambda: next(times), steady_ms=lambda: 0)
    assert jumped.run() == 0
    assert len(ids(store)) == 3


def test_rows_go_before_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 3)
    left: list[int] = []
    monkeypatch.setattr(
        retention_module, "remove_files", lambda _paths: left.append(store.status().num_results)
    )
    retain(store, replace(KEEP_ALL, max_age_days=0.1))
    assert left == [0, 0, 0]


def test_two_year_old_statistics_go_with_their_groups(store: Store) -> None:
    fill(store, 3)
    now_ms = NOON_MS + 800 * DAY_MS
    keep = replace(KEEP_ALL, max_age_days=10_000)
    retain(store, keep, now_ms=now_ms)
    assert len(store.statistics(from_ms=0, to_ms=2**45, bucket="hour")) == 3  # there are results of that time
    retain(store, replace(KEEP_ALL, max_age_days=1), now_ms=now_ms)
    assert store.statistics(from_ms=0, to_ms=2**45, bucket="hour") == []
    num_groups = store.writer.submit(lambda c: c.execute("SELECT COUNT(*) FROM groups").fetchone()[0])
    assert num_groups.result(WAIT_S) == 0
    assert fill(store, 1) == ids(store)


def sweep(store: Store, in_flight: frozenset[str] = frozenset()) -> tuple[int, int]:
    found = Sweep(
        store.writer,
        store._readers,
        ResultFiles(store.path.parent / "files"),
        ids_in_flight=lambda: in_flight,
        now_ms=lambda: NOON_MS + DAY_MS,
    ).run()
    return found.num_orphans, found.num_lost


def test_a_sweep_removes_files_without_a_row_and_marks_rows_without_a_file(store: Store) -> None:
    made_ids = fill(store, 2)
    folder = store.path.parent / "files/2026/11/24/12"
    for name in ("orphan.jpg", "orphan.score", f"{made_ids[0]}.jpg.part", "coming.jpg"):
        (folder / name).write_bytes(b"x")
    (folder / f"{made_ids[0]}.score").unlink()
    empty = store.path.parent / "files/2026/11/23/05"
    empty.mkdir(parents=True)
    assert sweep(store, frozenset({"coming"})) == (3, 1)
    assert names(store) == {f"{made_ids[0]}.jpg", "coming.jpg", f"{made_ids[1]}.jpg", f"{made_ids[1]}.score"}
    assert not empty.parent.exists()
    found = store.get(made_ids[0])
    assert found is not None
    assert (found.has_photo, found.has_score) == (True, False)
    assert sweep(store) == (1, 0)


def test_a_sweep_finds_rows_whose_whole_folder_is_gone(store: Store) -> None:
    made_ids = fill(store, 1)
    for path in (store.path.parent / "files/2026/11/24/12").iterdir():
        path.unlink()
    (store.path.parent / "files/2026/11/24/12").rmdir()
    assert sweep(store) == (0, 2)
    found = store.get(made_ids[0])
    assert found is not None
    assert (found.has_photo, found.has_score) == (False, False)


def test_a_start_sweeps(tmp_path: Path) -> None:
    orphan = tmp_path / "files/2026/11/24/12/orphan.jpg"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x")
    Writer(tmp_path / "results.sqlite").close()
    store = Store.open(tmp_path, policy=KEEP_ALL)
    while orphan.exists():
        store.audit("wait", "test").result(WAIT_S)
    store.close()
    assert not orphan.exists()


def test_an_error_of_the_database_ends_a_round_and_not_the_housekeeping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Locked:
        """Retention while another program holds the database, for the first round."""

        num_rounds = 0
        again = threading.Event()

        def run(self, *, is_stopping: Callable[[], bool]) -> int:
            self.num_rounds += 1
            if self.num_rounds == 1:
                raise sqlite3.OperationalError("database is locked")
            self.again.set()
            return 0

    class Idle:
        def run(self, *, is_stopping: Callable[[], bool]) -> None: ...

    retention = Locked()
    housekeeping = Housekeeping(cast("Retention", retention), cast("Sweep", Idle()))
    try:
        housekeeping.hurry()
        assert retention.again.wait(WAIT_S)
    finally:
        housekeeping.close()
    assert "database is locked" in caplog.text
