"""A made-up line that has produced for weeks: its results as columns, and the database that holds them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, Photo, Result
from edge_app.store.files import HOUR_MS
from edge_app.store.filters import score_bits
from edge_app.store.policy import DAY_MS
from edge_app.store.rows import detail_of
from edge_app.store.writer import Writer
from inspector.postprocess import Region, Thresholds

SOURCES = ("left", "right", "top", "rest")
LOTS_A_DAY = 4
MODELS = tuple(f"{number:064x}" for number in range(3))
OUTCOMES = tuple(Outcome)


@dataclass(frozen=True)
class Line:
    """Columns, one entry a result, oldest first; words as indices into the tuples above, lots as numbers."""

    created_ms: np.ndarray
    source: np.ndarray
    lot: np.ndarray
    model: np.ndarray
    outcome: np.ndarray
    score: np.ndarray
    decision: np.ndarray
    disagrees: np.ndarray


def lot_name(number: int) -> str:
    """Return a lot's name."""
    return f"LOT-{number:05d}"


def make_line(rng: np.random.Generator, *, num_rows: int, num_days: float, end_ms: int) -> Line:
    """Draw results, the last just before `end_ms`.

    There are four sources, a new lot for each every six hours, and a new model every third of the time.
    94 % pass; scores follow the outcome; most FAIL and REVIEW are decided by an operator, few PASS are; the
    shadow model disagrees on one of a hundred.
    """
    start_ms = end_ms - int(num_days * DAY_MS)
    created_ms = np.sort(rng.integers(start_ms, end_ms, num_rows))
    source = rng.choice(4, num_rows, p=[0.4, 0.3, 0.25, 0.05])
    age_days = (created_ms - start_ms) / DAY_MS
    lot = (age_days * LOTS_A_DAY).astype(int) * len(SOURCES) + source
    model = np.minimum(2, (age_days * 3 / num_days).astype(int))
    outcome = rng.choice(4, num_rows, p=[0.94, 0.03, 0.025, 0.005])
    mean = np.array([0.15, 0.45, 0.75, 0.15])[outcome]
    score = np.clip(rng.normal(mean, 0.05), 0, 1)
    is_decided = rng.random(num_rows) < np.where((outcome == 1) | (outcome == 2), 0.8, 0.01)
    decision = np.where(is_decided, rng.choice([1, 2, 3], num_rows, p=[0.5, 0.45, 0.05]), 0)
    return Line(created_ms, source, lot, model, outcome, score, decision, rng.random(num_rows) < 0.01)


def _detail() -> str:
    """Return what a result of usual size keeps beside its columns."""
    result = Result(
        id="",
        created_ms=0,
        outcome=Outcome.FAIL,
        origin=Origin("left", "continuous", "", 1_790_000_000_000, 12.5),
        model=ModelVersion(MODELS[0], "bracket", "3", "onnxruntime"),
        thresholds=Thresholds(fail=0.5, review=0.4, min_area_px=12),
        frame_hw=(1080, 1920),
        photo=Photo(data=b"photo"),
        threshold_version=2,
        regions=(Region(((10, 20), (40, 20), (40, 60), (10, 60)), 10, 20, 30, 40, 900, 0.6, 0.8),),
        latency_ms=41.5,
        quality=FrameQuality(brightness=0.42, focus=0.18),
    )
    return detail_of(result)


def load(path: Path, line: Line) -> None:
    """Make the database and fill it as the store would have, in one transaction."""
    Writer(path).close()
    connection = sqlite3.connect(str(path), isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    groups, group_of = np.unique(
        np.stack([line.source, line.lot, line.model, line.outcome], axis=1), axis=0, return_inverse=True
    )
    group_of = group_of.reshape(-1) + 1
    connection.executemany("INSERT INTO groups VALUES (?, ?, ?, ?, ?)", _group_rows(groups))
    connection.executemany(
        "INSERT INTO results (seq, id, created_ms, group_id, image_score, decision, disagrees, media_type, "
        "detail) VALUES (?, ?, ?, ?, ?, ?, ?, 'image/jpeg', ?)",
        _result_rows(line, group_of),
    )
    connection.executemany(
        "INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _rollup_rows(line, group_of)
    )
    connection.execute("UPDATE totals SET num_results = ?", (len(group_of),))
    connection.executemany(
        "INSERT INTO decisions (result_seq, decision, by, when_ms, note) VALUES (?, ?, 'ann', 0, '')",
        (
            (int(i) + 1, ("good", "defect", "unsure")[line.decision[i] - 1])
            for i in np.flatnonzero(line.decision)
        ),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _group_rows(groups: np.ndarray) -> Iterator[tuple[Any, ...]]:
    for number, (source, lot, model, outcome) in enumerate(groups.tolist(), start=1):
        yield number, SOURCES[source], lot_name(lot), MODELS[model], OUTCOMES[outcome].value


def _result_rows(line: Line, group_of: np.ndarray) -> Iterator[tuple[Any, ...]]:
    detail = _detail()
    columns = (line.created_ms, group_of, line.score, line.decision, line.disagrees.astype(int))
    for number, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), start=1):
        yield (number, f"{number:032x}", *row, detail)


def _rollup_rows(line: Line, group_of: np.ndarray) -> Iterator[tuple[Any, ...]]:
    hours = line.created_ms // HOUR_MS * HOUR_MS
    order = np.lexsort((group_of, hours))
    edges = np.flatnonzero(np.diff(hours[order]) | np.diff(group_of[order])) + 1
    for part in np.split(order, edges):
        num, scores = len(part), line.score[part]
        bits = 0
        for score in scores.tolist():
            bits |= score_bits(score, score)
        num_decided = int(np.count_nonzero(line.decision[part]))
        head = (int(hours[part[0]]), int(group_of[part[0]]), num, num_decided)
        yield (*head, num, float(scores.sum()), num, 41.5 * num, bits)
