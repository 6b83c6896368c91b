"""Filters answer what a plain comparison answers, whichever way the query takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_app.services.result import Outcome, Result
from edge_app.store import ResultFilter, Store, query
from edge_app.store.records import DECISIONS
from tests.edge_app.store.made import HOUR_MS, KEEP_ALL, NOON_MS, WAIT_S, made

NUM = 400
NUM_HOURS = 6
RNG = np.random.default_rng(7)


def random_result() -> Result:
    outcome = list(Outcome)[RNG.choice(4, p=[0.6, 0.2, 0.1, 0.1])]
    return made(
        created_ms=NOON_MS + int(RNG.integers(NUM_HOURS * HOUR_MS)),
        source=str(RNG.choice(["left", "right"])),
        lot=str(RNG.choice(["L1", "L2", "L3"])),
        digest=str(RNG.choice(["d1", "d2"])),
        outcome=outcome,
        image_score=None if outcome is Outcome.NO_DECISION else float(RNG.random()),
        shadow=[None, Outcome.PASS, Outcome.FAIL][RNG.integers(3)],
        score=None,
    )


RESULTS = [random_result() for _ in range(NUM)]
DECIDED = {RESULTS[i].id: str(RNG.choice(DECISIONS)) for i in RNG.choice(NUM, NUM // 3, replace=False)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("query"), policy=KEEP_ALL)
    receipts = [store.add(result) for result in RESULTS]
    assert all(receipt.result(WAIT_S).stored for receipt in receipts)
    said = [store.decide(name, decision=word, by="ann") for name, word in DECIDED.items()]
    assert all(answer.result(WAIT_S) for answer in said)
    yield store
    store.close()


def matches(result: Result, wanted: ResultFilter) -> bool:
    shadow = result.shadow is not None and result.shadow.outcome is not result.outcome
    decision = DECIDED.get(result.id)
    score = result.image_score
    return (
        (wanted.from_ms is None or result.created_ms >= wanted.from_ms)
        and (wanted.to_ms is None or result.created_ms < wanted.to_ms)
        and (wanted.sources is None or result.origin.source in wanted.sources)
        and (wanted.lot is None or result.origin.lot == wanted.lot)
        and (wanted.outcomes is None or result.outcome in wanted.outcomes)
        and (wanted.model is None or result.model.digest == wanted.model)
        and (wanted.min_score is None or (score is not None and score >= wanted.min_score))
        and (wanted.max_score is None or (score is not None and score <= wanted.max_score))
        and (
            wanted.decision is None
            or wanted.decision == (decision or "none")
            or (wanted.decision == "any" and decision is not None)
        )
        and (wanted.shadow_disagrees is None or wanted.shadow_disagrees == shadow)
    )


def random_filter(rng: np.random.Generator) -> ResultFilter:
    fields: dict[str, Any] = {
        "from_ms": NOON_MS + int(rng.integers(-HOUR_MS, NUM_HOURS * HOUR_MS)),
        "to_ms": NOON_MS + int(rng.integers(0, (NUM_HOURS + 1) * HOUR_MS)),
        "sources": [("left",), ("right", "left"), ("top",)][rng.integers(3)],
        "lot": str(rng.choice(["L1", "L3", "L9"])),
        "outcomes": [(Outcome.FAIL,), (Outcome.PASS, Outcome.NO_DECISION), ()][rng.integers(3)],
        "model": str(rng.choice(["d1", "d2"])),
        "min_score": float(rng.random()),
        "max_score": float(rng.random()),
        "decision": str(rng.choice([*DECISIONS, "none", "any"])),
        "shadow_disagrees": bool(rng.random() < 0.5),
    }
    return ResultFilter(**{name: value for name, value in fields.items() if rng.random() < 0.3})


def by_time(results: list[Result], store: Store) -> list[str]:
    """Return the ids, newest first; the store's own number decides between equal times."""
    seqs = {item.id: item.seq for item in store.iterate(ResultFilter())}
    ordered = sorted(results, key=lambda result: (result.created_ms, seqs[result.id]), reverse=True)
    return [result.id for result in ordered]


WAYS = {
    "as it is": {},
    "never by a rare property": {"FEW": 0},
    "hours with many groups": {"FEW": 0, "MANY_GROUPS": 2},
    "hours with many results": {"FEW": 0, "DENSE": 3},
}


@pytest.mark.parametrize("way", WAYS)
def test_random_filters_answer_like_a_plain_comparison(
    store: Store, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name, value in WAYS[way].items():
        monkeypatch.setattr(query, name, value)
    ordered = by_time(RESULTS, store)
    by_id = {result.id: result for result in RESULTS}
    rng = np.random.default_rng(3)
    num_empty = 0
    for _ in range(150):
        wanted = random_filter(rng)
        expected = [name for name in ordered if matches(by_id[name], wanted)]
        num_empty += not expected
        limit = int(rng.integers(1, 60))
        page = store.page(wanted, limit=limit)
        assert [item.id for item in page.items] == expected[:limit], wanted
        assert (page.next_cursor is None) == (len(expected) <= limit)
        if page.next_cursor is not None:
            rest = store.page(wanted, cursor=page.next_cursor, limit=500)
            assert [item.id for item in rest.items] == expected[limit:], wanted
        assert [item.id for item in store.iterate(wanted)] == expected[::-1], wanted
    assert 20 < num_empty < 130


def test_a_lot_with_another_number_for_every_part_is_found(tmp_path: Path) -> None:
    store = Store.open(tmp_path, policy=KEEP_ALL)
    results = [made(lot=f"serial {number}", score=None) for number in range(query.MANY_GROUPS + 50)]
    for receipt in [store.add(result) for result in results]:
        receipt.result(WAIT_S)
    assert [item.id for item in store.page(ResultFilter(lot="serial 77")).items] == [results[77].id]
    found = store.iterate(ResultFilter(outcomes=(Outcome.PASS,), min_score=0.1))
    assert [item.id for item in found] == [result.id for result in results]
    store.close()


def test_no_filter_ever_reads_the_whole_table(store: Store) -> None:
    """Every statement of a query goes by an index; a scan of `results` would cost a second at a million."""
    plans: list[str] = []
    statements: list[str] = []
    rng = np.random.default_rng(5)
    with store._readers.read() as connection:
        connection.set_trace_callback(statements.append)
        for _ in range(60):
            query.select_keys(connection, random_filter(rng), limit=50)
        connection.set_trace_callback(None)
        for statement in statements:
            plans += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert len(plans) > 100
    touched = [plan for plan in plans if "results" in plan]
    assert touched
    assert {plan for plan in touched if "USING COVERING INDEX" not in plan} == set()
