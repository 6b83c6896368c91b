"""The store as its callers see it: what goes in comes out, by table where rules meet."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from edge_app.services.result import Outcome, Result
from edge_app.store import OperatorDecision, Receipt, ResultFilter, StoragePolicy, Store, condition
from edge_app.store import store as store_module
from edge_app.store.intake import MAX_PENDING, MAX_PENDING_WITH_FILES
from edge_app.store.readers import NUM_CONNECTIONS, Readers
from inspector.errors import InputError, StorageError
from inspector.postprocess import Thresholds
from tests.edge_app.store.made import DAY_MS, HOUR_MS, KEEP_ALL, NOON_MS, PHOTO, SCORE, WAIT_S, made
from tests.edge_app.store.test_writer import held


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    yield store
    store.close()


def add(store: Store, *results: Result) -> list[Receipt]:
    return [future.result(WAIT_S) for future in [store.add(result) for result in results]]


def ids(store: Store, **wanted: Any) -> list[str]:
    return [item.id for item in store.page(ResultFilter(**wanted)).items]


def test_a_result_comes_back_as_it_was(store: Store) -> None:
    result = made(shadow=Outcome.FAIL)
    assert add(store, result) == [Receipt(stored=True, kept_files=True)]
    found = store.get(result.id)
    assert found is not None
    for name in (
        "id",
        "created_ms",
        "outcome",
        "reason",
        "image_score",
        "regions",
        "frame_hw",
        "origin",
        "model",
    ):
        assert getattr(found, name) == getattr(result, name), name
    for name in ("model", "thresholds", "threshold_version", "latency_ms", "quality", "shadow"):
        assert getattr(found, name) == getattr(result, name), name
    assert (found.has_photo, found.has_score, found.media_type) == (True, True, "image/jpeg")
    assert store.photo(result.id) == (PHOTO, "image/jpeg")
    score = store.score(result.id)
    assert score is not None
    assert score.dtype == np.float32
    np.testing.assert_array_equal(score, SCORE)


def test_a_result_without_a_decision_of_the_model_comes_back_too(store: Store) -> None:
    nothing = {"image_score": None, "regions": (), "score": None, "latency_ms": None, "quality": None}
    result = made(outcome=Outcome.NO_DECISION, reason="frozen", threshold_version=None, **nothing)
    add(store, result)
    found = store.get(result.id)
    assert found is not None
    assert (found.outcome, found.reason, found.threshold_version) == (Outcome.NO_DECISION, "frozen", None)
    assert (found.image_score, found.latency_ms, found.quality, found.shadow) == (None, None, None, None)
    assert (found.has_photo, found.has_score) == (True, False)
    assert store.score(result.id) is None


def test_what_is_not_there_is_none(store: Store) -> None:
    assert (store.get("x"), store.photo("x"), store.score("x")) == (None, None, None)
    assert store.decide("x", decision="good", by="ann").result(WAIT_S) is None
    assert store.decision_history("x") == []
    assert store.page(ResultFilter()).items == ()
    assert store.page(ResultFilter()).next_cursor is None


def test_results_survive_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    results = [made() for _ in range(5)]
    add(store, *results)
    store.close()
    store = Store.open(tmp_path, policy=KEEP_ALL)
    assert sorted(ids(store)) == sorted(result.id for result in results)
    assert store.photo(results[0].id) == (PHOTO, "image/jpeg")
    store.close()


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ({"photos": "all"}, [True, True, True, True]),
        ({"photos": "non_pass"}, [False, False, False, True]),
        ({"photos": "sample", "sample_every": 2}, [True, False, True, True]),
        ({"photos": "none"}, [False, False, False, False]),
    ],
)
def test_files_are_kept_by_policy(tmp_path: Path, policy: dict[str, Any], kept: list[bool]) -> None:
    store = Store.open(tmp_path, policy=StoragePolicy(min_free_bytes=0, max_age_days=10_000, **policy))
    results = [made(), made(), made(), made(outcome=Outcome.FAIL)]
    receipts = add(store, *results)
    assert receipts == [Receipt(stored=True, kept_files=keep) for keep in kept]
    assert [store.photo(result.id) is not None for result in results] == kept
    assert [store.score(result.id) is not None for result in results] == kept
    store.close()


def test_pages_go_from_the_newest_on_and_lose_or_double_nothing(store: Store) -> None:
    results = [made(created_ms=NOON_MS + index // 3) for index in range(25)]  # three share a millisecond
    add(store, *results)
    seen: list[str] = []
    cursor = None
    while True:
        page = store.page(ResultFilter(), cursor=cursor, limit=4)
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        add(store, made(created_ms=NOON_MS + HOUR_MS))  # what comes meanwhile is newer than the cursor
    assert seen == [result.id for result in results[::-1]]
    assert [item.id for item in store.iterate(ResultFilter(to_ms=NOON_MS + HOUR_MS))] == seen[::-1]


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_a_limit(store: Store, limit: int) -> None:
    with pytest.raises(InputError, match=f"limit is {limit}; it must be from 1 to 500"):
        store.page(ResultFilter(), limit=limit)


def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="is not a cursor of this server"):
        store.page(ResultFilter(), cursor="../../etc/passwd")
    with pytest.raises(InputError, match="is not a cursor of this server"):
        store.audit_page(cursor="1")


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a.b", "x" * 65, "ä"])
def test_an_id_that_is_no_plain_name_is_refused(store: Store, bad: str) -> None:
    with pytest.raises(InputError, match="has other characters than"):
        store.add(made(id=bad))


def test_an_id_is_stored_once(store: Store) -> None:
    first, again = made(), made(data=b"another photo")
    add(store, first)
    receipt = add(store, made(id=first.id, data=b"another photo"))[0]
    assert (receipt.stored, "UNIQUE" in receipt.reason) == (False, True)
    assert store.photo(first.id) == (PHOTO, "image/jpeg")
    assert store.status().num_results == 1
    assert add(store, again)[0].stored


def test_statistics_count_by_the_hour_and_by_the_day(store: Store) -> None:
    add(
        store,
        made(created_ms=NOON_MS, image_score=0.2, latency_ms=40),
        made(created_ms=NOON_MS + HOUR_MS - 1, image_score=0.4, latency_ms=60, outcome=Outcome.FAIL),
        made(created_ms=NOON_MS + HOUR_MS, image_score=None, latency_ms=None, outcome=Outcome.NO_DECISION),
        made(created_ms=NOON_MS + DAY_MS, source="right", lot="L2", digest="d9", image_score=0.9),
    )
    everything: dict[str, Any] = {"from_ms": 0, "to_ms": 2**45}
    by_hour = store.statistics(bucket="hour", **everything)
    assert [bucket.start_ms for bucket in by_hour] == [NOON_MS, NOON_MS + HOUR_MS, NOON_MS + DAY_MS]
    assert by_hour[0].counts == {
        Outcome.PASS: 1,
        Outcome.REVIEW: 0,
        Outcome.FAIL: 1,
        Outcome.NO_DECISION: 0,
    }
    assert by_hour[0].mean_score == pytest.approx(0.3)
    assert by_hour[0].mean_latency_ms == pytest.approx(50)
    assert (by_hour[1].mean_score, by_hour[1].mean_latency_ms) == (None, None)
    by_day = store.statistics(bucket="day", **everything)
    assert [(bucket.start_ms, sum(bucket.counts.values())) for bucket in by_day] == [
        (NOON_MS - 12 * HOUR_MS, 3),
        (NOON_MS + 12 * HOUR_MS, 1),
    ]
    for chosen in ({"source": "right"}, {"lot": "L2"}, {"model": "d9"}):
        assert [b.mean_score for b in store.statistics(bucket="day", **everything, **chosen)] == [0.9]
    assert store.statistics(from_ms=NOON_MS + 5, to_ms=NOON_MS + 6, bucket="hour") == by_hour[:1]
    with pytest.raises(InputError, match="bucket is 'week'; choose hour or day"):
        store.statistics(bucket="week", **everything)


def test_decisions_are_kept_and_the_last_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    result, other = made(), made()
    add(store, result, other)
    monkeypatch.setattr(store_module, "wall_ms", lambda: NOON_MS + 1)
    store.decide(result.id, decision="unsure", by="ann", note="blurred").result(WAIT_S)
    said = store.decide(result.id, decision="defect", by="bob").result(WAIT_S)
    last = OperatorDecision("defect", "bob", NOON_MS + 1)
    assert said == last
    assert store.decision_history(result.id) == [
        OperatorDecision("unsure", "ann", NOON_MS + 1, "blurred"),
        last,
    ]
    found = store.get(result.id)
    assert found is not None
    assert found.decision == last
    assert [item.decision for item in store.page(ResultFilter(decision="any")).items] == [last]
    assert ids(store, decision="defect") == [result.id]
    assert ids(store, decision="unsure") == []
    assert ids(store, decision="none") == [other.id]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": "none"}, "decision is 'none'; choose one of good, defect, unsure"),
        ({"decision": "good", "note": "x" * 2001}, "the note has 2001 characters; at most 2000"),
    ],
)
def test_decisions_that_cannot_be(store: Store, change: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        store.decide("r1", by="ann", **change)


def test_thresholds_are_versions_for_each_model(store: Store) -> None:
    first, second = Thresholds(0.5, 0.4, 3), Thresholds(0.6, 0.4, 3)
    assert store.current_thresholds("d1") is None
    assert store.set_thresholds("d1", first, "ann").result(WAIT_S).version == 1
    set_last = store.set_thresholds("d1", second, "bob").result(WAIT_S)
    assert store.set_thresholds("d2", first, "ann").result(WAIT_S).version == 1
    assert store.current_thresholds("d1") == set_last
    assert [(v.version, v.thresholds, v.by) for v in store.threshold_history("d1")] == [
        (2, second, "bob"),
        (1, first, "ann"),
    ]


def test_the_audit_log_is_read_newest_first(store: Store) -> None:
    for number in range(5):
        store.audit("model.activate", "ann", f"model {number}").result(WAIT_S)
    page = store.audit_page(limit=3)
    rest = store.audit_page(cursor=page.next_cursor, limit=3)
    assert [entry.detail for entry in (*page.items, *rest.items)] == [f"model {n}" for n in range(4, -1, -1)]
    assert rest.next_cursor is None
    assert (page.items[0].action, page.items[0].by) == ("model.activate", "ann")


def test_a_hook_writes_in_the_result_s_own_transaction(tmp_path: Path) -> None:
    def hook(connection: sqlite3.Connection, result: Result) -> None:
        connection.execute(
            "INSERT INTO audit (when_ms, action, by, detail) VALUES (0, 'hook', '', ?)", (result.id,)
        )
        if result.origin.lot == "bad":
            raise ValueError("the outbox is broken")

    store = Store.open(tmp_path, policy=KEEP_ALL, on_insert=[hook])
    good, bad = made(), made(lot="bad")
    receipts = add(store, good, bad)
    assert [receipt.stored for receipt in receipts] == [True, False]
    assert receipts[1].reason == "the outbox is broken"
    assert ids(store) == [good.id]
    assert [entry.detail for entry in store.audit_page().items] == [good.id]
    assert [path.name for path in (tmp_path / "files").rglob("*.*")] != []
    assert not list((tmp_path / "files").rglob(f"{bad.id}*"))
    assert (store.status().state, store.status().reason) == ("degraded", "the outbox is broken")
    add(store, made())
    assert (store.status().state, store.status().reason) == ("ok", "")
    store.close()


def test_a_missing_file_is_marked_and_reads_as_none(store: Store, tmp_path: Path) -> None:
    result = made()
    add(store, result)
    for path in (tmp_path / "files").rglob(f"{result.id}*"):
        path.unlink()
    assert store.photo(result.id) is None
    assert store.score(result.id) is None
    store.audit("wait", "test").result(WAIT_S)  # the marks were queued before
    found = store.get(result.id)
    assert found is not None
    assert (found.has_photo, found.has_score) == (False, False)


def test_a_damaged_score_map_is_marked_and_reads_as_none(store: Store, tmp_path: Path) -> None:
    result = made()
    add(store, result)
    next((tmp_path / "files").rglob("*.score")).write_bytes(b"\0" * 40)
    assert store.score(result.id) is None
    store.audit("wait", "test").result(WAIT_S)
    found = store.get(result.id)
    assert found is not None
    assert (found.has_photo, found.has_score) == (True, False)


def test_a_photo_that_cannot_be_encoded_costs_the_files_alone(store: Store) -> None:
    from edge_app.services.result import Photo

    result = made(photo=Photo(frame=np.zeros((0, 0, 3), np.uint8)))
    receipt = add(store, result)[0]
    assert (receipt.stored, receipt.kept_files) == (True, False)
    assert "its files could not be made" in receipt.reason
    assert ids(store) == [result.id]


def test_a_nearly_full_disk_keeps_rows_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=StoragePolicy(min_free_bytes=2**60, max_age_days=10_000))
    result = made()
    receipt = add(store, result)[0]
    assert (receipt.stored, receipt.kept_files) == (True, False)
    assert "the disk is nearly full: files are not kept" in receipt.reason
    assert store.status().state == "degraded"
    assert store.photo(result.id) is None
    store.close()


def test_a_disk_that_is_too_slow_costs_files_first_then_results(store: Store) -> None:
    go_on = held(store.writer)
    futures = [store.add(made()) for _ in range(MAX_PENDING + 5)]
    refused = [future.result(WAIT_S) for future in futures[MAX_PENDING:]]
    assert {receipt.stored for receipt in refused} == {False}
    assert f"the disk is too slow: {MAX_PENDING} results wait" in refused[0].reason
    go_on.set()
    receipts = [future.result(WAIT_S) for future in futures[:MAX_PENDING]]
    assert all(receipt.stored for receipt in receipts)
    assert sum(receipt.kept_files for receipt in receipts) == MAX_PENDING_WITH_FILES
    assert "the disk is too slow for files" in receipts[-1].reason
    assert add(store, made())[0] == Receipt(stored=True, kept_files=True)


def test_a_failed_disk_is_a_state_and_not_an_exception(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    kept = made()
    add(store, kept)
    store.writer.fail("the test pulled the card")
    receipt = add(store, made())[0]
    assert (receipt.stored, "restart the server" in receipt.reason) == (False, True)
    status = store.status()
    assert (status.state, status.num_results) == ("failed", 1)
    assert status.reason == "the test pulled the card; check the disk, then restart the server"
    assert store.photo(kept.id) == (PHOTO, "image/jpeg")
    store.close()


def test_the_status_counts(store: Store) -> None:
    assert store.status().oldest_ms is None
    add(store, made(created_ms=NOON_MS + 5), made(created_ms=NOON_MS))
    status = store.status()
    assert (status.state, status.reason, status.num_results, status.oldest_ms) == ("ok", "", 2, NOON_MS)
    assert status.num_bytes > 2 * len(PHOTO)
    assert status.free_bytes > 0
    assert status.wal_bytes > 0
    assert status.num_pending == 0


def test_a_log_that_another_program_holds_is_an_alarm(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_app.store import condition

    monkeypatch.setattr(condition, "WAL_ALARM_BYTES", 2**10)
    add(store, made())
    status = store.status()
    assert status.state == "degraded"
    assert "another program reads the database" in status.reason


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    store.close()
    assert add(store, made()) == [Receipt(stored=False, reason="the store is closed")]


def test_closing_again_is_harmless_and_a_late_reader_is_told(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    store.close()
    store.close()
    for _ in range(5):  # more than there are connections
        with pytest.raises(StorageError, match="the stored results are closed"):
            store.get("r1")
    status = store.status()
    assert (status.state, "closed" in status.reason) == ("failed", True)


def test_a_read_transaction_that_cannot_be_ended_keeps_no_connection(tmp_path: Path) -> None:
    class Stuck:
        """A connection over a disk that fails."""

        in_transaction = True

        def set_progress_handler(self, *_: object) -> None: ...

        def execute(self, _: str) -> None: ...

        def rollback(self) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        def close(self) -> None: ...

    Store.open(tmp_path, policy=KEEP_ALL).close()
    readers = Readers(tmp_path / store_module.DATABASE_NAME)
    while not readers._free.empty():
        kept = readers._free.get()
        assert kept is not None
        kept.close()
    for _ in range(NUM_CONNECTIONS):
        readers._free.put(cast("sqlite3.Connection", Stuck()))
    for _ in range(NUM_CONNECTIONS + 1):
        with readers.read():
            pass
    readers.close()


def test_the_status_comes_also_when_the_disk_does_not_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(_folder: Path) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(condition, "free_bytes", no_answer)
    status = store.status()
    assert (status.state, status.free_bytes) == ("failed", 0)
    assert "the disk does not answer: Input/output error" in status.reason
