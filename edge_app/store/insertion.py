"""Puts a result into the tables: row, group, roll-up and totals change in one transaction."""

import sqlite3
from dataclasses import dataclass

from edge_app.services.result import Result, ShadowAnswer
from edge_app.store.files import hour_of
from edge_app.store.filters import score_bin
from edge_app.store.rows import detail_of, disagrees, with_shadow


@dataclass(frozen=True)
class KeptFiles:
    """Sizes of the files that lie on disk already; 0 where there is none."""

    photo_bytes: int = 0
    score_bytes: int = 0


def insert_result(connection: sqlite3.Connection, result: Result, files: KeptFiles) -> int:
    """Insert the row and return its `seq`.

    Raises:
        sqlite3.IntegrityError: the id is taken.
    """
    group_id = _group_id(connection, result)
    seq = connection.execute(
        "INSERT INTO results (id, created_ms, group_id, image_score, disagrees, photo_bytes, score_bytes, "
        "media_type, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            result.id,
            result.created_ms,
            group_id,
            result.image_score,
            int(disagrees(result)),
            files.photo_bytes,
            files.score_bytes,
            result.photo.media_type,
            detail_of(result),
        ),
    ).lastrowid
    _roll_up(connection, result, group_id)
    connection.execute(
        "UPDATE totals SET num_results = num_results + 1, num_bytes = num_bytes + ?",
        (files.photo_bytes + files.score_bytes,),
    )
    assert seq is not None
    return seq


def attach_shadow(connection: sqlite3.Connection, result_id: str, shadow: ShadowAnswer) -> None:
    """Add what the shadow model said later; a result that is gone is not an error."""
    found = connection.execute(
        "SELECT r.seq, r.detail, g.outcome FROM results r JOIN groups g ON g.id = r.group_id WHERE r.id = ?",
        (result_id,),
    ).fetchone()
    if found is None:
        return
    seq, detail, outcome = found
    connection.execute(
        "UPDATE results SET detail = ?, disagrees = ? WHERE seq = ?",
        (with_shadow(detail, shadow), int(shadow.outcome.value != outcome), seq),
    )


def _group_id(connection: sqlite3.Connection, result: Result) -> int:
    words = (result.origin.source, result.origin.lot, result.model.digest, result.outcome.value)
    found = connection.execute(
        "SELECT id FROM groups WHERE source = ? AND lot = ? AND model_digest = ? AND outcome = ?", words
    ).fetchone()
    if found is not None:
        return int(found[0])
    added = connection.execute(
        "INSERT INTO groups (source, lot, model_digest, outcome) VALUES (?, ?, ?, ?)", words
    ).lastrowid
    assert added is not None
    return added


def _roll_up(connection: sqlite3.Connection, result: Result, group_id: int) -> None:
    """Count the result into its hour: UPDATE, and INSERT where there was no row (no UPSERT before 3.24)."""
    score, latency_ms = result.image_score, result.latency_ms
    hour = (hour_of(result.created_ms), group_id)
    counts = (
        int(score is not None),
        score or 0.0,
        int(latency_ms is not None),
        latency_ms or 0.0,
        0 if score is None else 1 << score_bin(score),
    )
    updated = connection.execute(
        "UPDATE rollup SET num = num + 1, num_scored = num_scored + ?, sum_score = sum_score + ?, "
        "num_timed = num_timed + ?, sum_latency_ms = sum_latency_ms + ?, score_bits = score_bits | ? "
        "WHERE hour_ms = ? AND group_id = ?",
        (*counts, *hour),
    )
    if updated.rowcount == 0:
        connection.execute("INSERT INTO rollup VALUES (?, ?, 1, 0, ?, ?, ?, ?, ?)", (*hour, *counts))
