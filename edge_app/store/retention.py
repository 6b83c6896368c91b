"""Removes the oldest results, a few hundred at a time, so that nobody waits for it.

Source: facts edge_reliability, section 1, "Retention": at most 500 rows a transaction, a pause between them
lets results through.
"""

import sqlite3
import time
from typing import Callable, List, Sequence

from edge_app.store.files import ResultFiles, hour_of, remove_files
from edge_app.store.policy import (
    DAY_MS,
    OldRow,
    StoragePolicy,
    cutoff_ms,
    rows_to_drop,
)
from edge_app.store.space import free_bytes, used_bytes
from edge_app.store.writer import Writer

CHUNK = 200
PAUSE_S = 0.02
STATISTICS_DAYS = 730


class Retention:
    """Applies the policy of the moment."""

    def __init__(
        self,
        writer: Writer,
        files: ResultFiles,
        policy: Callable[[], StoragePolicy],
        *,
        now_ms: Callable[[], int],
        steady_ms: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._files = files
        self._policy = policy
        self._now_ms = now_ms
        self._steady_ms = steady_ms
        self._start = (now_ms(), steady_ms())

    def run(self, *, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Remove what has to go, rows first, then their files; return how many results went.

        Raises:
            StorageError: see `Writer.submit`.
        """
        num_dropped = 0
        while not is_stopping():
            dropped = self._writer.submit(self._drop_chunk).result()
            for row in dropped:
                photo = self._files.photo_path(row.id, row.created_ms, row.media_type)
                remove_files((photo, self._files.score_path(row.id, row.created_ms)))
            num_dropped += len(dropped)
            if len(dropped) < CHUNK:
                break
            time.sleep(PAUSE_S)
        while not is_stopping() and self._writer.submit(self._drop_statistics).result() == CHUNK:
            time.sleep(PAUSE_S)
        return num_dropped

    def _drop_chunk(self, connection: sqlite3.Connection) -> List[OldRow]:
        oldest = connection.execute(
            "SELECT seq, id, created_ms, media_type, photo_bytes + score_bytes FROM results "
            "ORDER BY created_ms, seq LIMIT ?",
            (CHUNK,),
        )
        now_ms = self._now_ms()
        drop = rows_to_drop(
            self._policy(),
            [OldRow(*row) for row in oldest],
            used_bytes=used_bytes(connection),
            free_bytes=free_bytes(self._files.root.parent),
            cutoff=cutoff_ms(
                self._policy(),
                now_ms=now_ms,
                wall_elapsed_ms=now_ms - self._start[0],
                steady_elapsed_ms=self._steady_ms() - self._start[1],
            ),
            now_ms=now_ms,
        )
        delete_rows(connection, drop)
        return drop

    def _drop_statistics(self, connection: sqlite3.Connection) -> int:
        """Remove roll-up rows of over two years that are older than any result, and groups without any."""
        before = self._now_ms() - STATISTICS_DAYS * DAY_MS
        oldest = connection.execute("SELECT MIN(created_ms) FROM results").fetchone()[0]
        if oldest is not None:
            before = min(before, hour_of(oldest))
        old = connection.execute(
            "SELECT hour_ms, group_id FROM rollup WHERE hour_ms < ? LIMIT ?", (before, CHUNK)
        ).fetchall()
        connection.executemany("DELETE FROM rollup WHERE hour_ms = ? AND group_id = ?", old)
        if 0 < len(old) < CHUNK:
            connection.execute("DELETE FROM groups WHERE id NOT IN (SELECT group_id FROM rollup)")
        return len(old)


def delete_rows(connection: sqlite3.Connection, rows: Sequence[OldRow]) -> None:
    """Delete results and what was said of them; the roll-up keeps counting them."""
    seqs = [(row.seq,) for row in rows]
    connection.executemany("DELETE FROM decisions WHERE result_seq = ?", seqs)
    connection.executemany("DELETE FROM results WHERE seq = ?", seqs)
    connection.execute(
        "UPDATE totals SET num_results = num_results - ?, num_bytes = num_bytes - ?",
        (len(rows), sum(row.num_bytes for row in rows)),
    )
