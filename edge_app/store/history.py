"""Reads results and their files back."""

import logging
import sqlite3
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_app.store.decisions import last_decisions
from edge_app.store.files import ResultFiles
from edge_app.store.filters import Key, ResultFilter, decode_cursor, encode_cursor
from edge_app.store.query import select_keys
from edge_app.store.readers import Readers
from edge_app.store.records import Page, StoredResult
from edge_app.store.rows import COLUMNS, MARK_LOST, PHOTO_LOST, SCORE_LOST, result_of
from edge_app.store.score_map import decode_score
from edge_app.store.writer import Writer
from inspector.errors import InputError

logger = logging.getLogger(__name__)

MAX_LIMIT = 500
BATCH = 200
SELECT = f"SELECT {COLUMNS} FROM results r JOIN groups g ON g.id = r.group_id"


class FileRow(NamedTuple):
    """What the table says of a result's files."""

    seq: int
    created_ms: int
    media_type: str
    photo_bytes: int
    score_bytes: int
    lost: int


class History:
    """Pages, single results, files. A file that is missing reads as None; `writer` marks it as lost."""

    def __init__(self, readers: Readers, files: ResultFiles, writer: Optional[Writer]) -> None:
        self._readers = readers
        self._files = files
        self._writer = writer

    def get(self, result_id: str) -> Optional[StoredResult]:
        """See `Store.get`."""
        with self._readers.read() as connection:
            row = connection.execute(f"{SELECT} WHERE r.id = ?", (result_id,)).fetchone()
            if row is None:
                return None
            return result_of(row, last_decisions(connection, [row[0]]).get(row[0]))

    def page(self, wanted: ResultFilter, *, cursor: Optional[str], limit: int) -> Page:
        """See `Store.page`."""
        if not 1 <= limit <= MAX_LIMIT:
            raise InputError(f"limit is {limit}; it must be from 1 to {MAX_LIMIT}")
        after = None if cursor is None else decode_cursor(cursor)
        with self._readers.read() as connection:
            keys = select_keys(connection, wanted, after=after, limit=limit + 1)
            items = _load(connection, keys[:limit])
        return Page(items, encode_cursor(keys[limit - 1]) if len(keys) > limit else None)

    def iterate(self, wanted: ResultFilter) -> Iterator[StoredResult]:
        """See `Store.iterate`: each batch is a read transaction of its own, whatever the taker's pace."""
        after: Optional[Key] = None
        while True:
            with self._readers.read() as connection:
                keys = select_keys(connection, wanted, after=after, limit=BATCH, newest_first=False)
                items = _load(connection, keys)
            yield from items
            if len(keys) < BATCH:
                return
            after = keys[-1]

    def photo(self, result_id: str) -> Optional[Tuple[bytes, str]]:
        """See `Store.photo`."""
        row = self._file_row(result_id)
        if row is None or not row.photo_bytes or row.lost & PHOTO_LOST:
            return None
        path = self._files.photo_path(result_id, row.created_ms, row.media_type)
        data = self._bytes(path, row.seq, PHOTO_LOST)
        return None if data is None else (data, row.media_type)

    def score(self, result_id: str) -> Optional[np.ndarray]:
        """See `Store.score`."""
        row = self._file_row(result_id)
        if row is None or not row.score_bytes or row.lost & SCORE_LOST:
            return None
        data = self._bytes(self._files.score_path(result_id, row.created_ms), row.seq, SCORE_LOST)
        try:
            return None if data is None else decode_score(data)
        except InputError as error:
            logger.error("score map of %s: %s", result_id, error)
            self._mark(SCORE_LOST, row.seq)
            return None

    def _file_row(self, result_id: str) -> Optional[FileRow]:
        with self._readers.read() as connection:
            row = connection.execute(
                "SELECT seq, created_ms, media_type, photo_bytes, score_bytes, lost FROM results "
                "WHERE id = ?",
                (result_id,),
            ).fetchone()
        return None if row is None else FileRow(*row)

    def _bytes(self, path: Path, seq: int, bit: int) -> Optional[bytes]:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            logger.error("%s is missing; it is marked as lost", path.name)
            self._mark(bit, seq)
        except OSError as error:
            logger.error("%s cannot be read: %s", path.name, error)
        return None

    def _mark(self, bit: int, seq: int) -> None:
        if self._writer is not None:
            self._writer.submit(lambda connection: connection.execute(MARK_LOST, (bit, seq)).rowcount)


def _load(connection: sqlite3.Connection, keys: Sequence[Key]) -> Tuple[StoredResult, ...]:
    """Return the results of at most 999 keys, in their order."""
    seqs: List[int] = [key.seq for key in keys]
    if not seqs:
        return ()
    rows = connection.execute(f"{SELECT} WHERE r.seq IN ({','.join('?' * len(seqs))})", seqs)
    found = {row[0]: row for row in rows}
    said = last_decisions(connection, seqs)
    return tuple(result_of(found[seq], said.get(seq)) for seq in seqs)
