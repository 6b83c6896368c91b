"""The device's own thresholds for each model, every version of them."""

import sqlite3
from typing import List

from edge_app.store.records import ThresholdVersion
from inspector.postprocess import Thresholds


def insert_thresholds(
    connection: sqlite3.Connection, digest: str, thresholds: Thresholds, *, by: str, when_ms: int
) -> ThresholdVersion:
    """Store the next version and return it."""
    last = connection.execute(
        "SELECT COALESCE(MAX(version), 0) FROM threshold_versions WHERE model_digest = ?", (digest,)
    ).fetchone()[0]
    added = ThresholdVersion(last + 1, thresholds, by, when_ms)
    connection.execute(
        "INSERT INTO threshold_versions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest, added.version, thresholds.fail, thresholds.review, thresholds.min_area_px, by, when_ms),
    )
    return added


def read_thresholds(connection: sqlite3.Connection, digest: str, *, limit: int) -> List[ThresholdVersion]:
    """Return the last `limit` versions for a model, newest first."""
    rows = connection.execute(
        "SELECT version, fail, review, min_area_px, by, when_ms FROM threshold_versions "
        "WHERE model_digest = ? ORDER BY version DESC LIMIT ?",
        (digest, limit),
    )
    return [
        ThresholdVersion(version, Thresholds(fail, review, min_area_px), by, when_ms)
        for version, fail, review, min_area_px, by, when_ms in rows
    ]
