"""Compares files and rows after a crash: files without a row go, rows without a file are marked."""

import logging
import time
from pathlib import Path
from typing import Callable, Dict, FrozenSet, NamedTuple, Set, Tuple

from edge_app.store.files import HOUR_MS, ResultFiles, hour_of, remove_files
from edge_app.store.readers import Readers
from edge_app.store.rows import MARK_LOST, PHOTO_LOST, SCORE_LOST
from edge_app.store.writer import Writer

logger = logging.getLogger(__name__)

PAUSE_S = 0.005  # after each hour's folder, so that a large store is no load
KEEP_FOLDER_MS = 2 * HOUR_MS


class SweepReport(NamedTuple):
    """What a sweep found."""

    num_orphans: int
    num_lost: int


class Sweep:
    """Compares the folder of every hour with that hour's rows."""

    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        files: ResultFiles,
        *,
        ids_in_flight: Callable[[], FrozenSet[str]],
        now_ms: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._files = files
        self._ids_in_flight = ids_in_flight
        self._now_ms = now_ms

    def run(self, *, is_stopping: Callable[[], bool] = lambda: False) -> SweepReport:
        """Compare all hours.

        Raises:
            StorageError: the database cannot be read or written.
        """
        num_orphans = num_lost = 0
        for hour_ms in sorted(set(self._files.hours()) | self._hours_with_rows()):
            if is_stopping():
                break
            orphans, lost = self._compare(hour_ms)
            num_orphans, num_lost = num_orphans + orphans, num_lost + lost
            time.sleep(PAUSE_S)
        if num_orphans or num_lost:
            logger.warning("sweep: %d files without a row removed, %d files lost", num_orphans, num_lost)
        return SweepReport(num_orphans, num_lost)

    def _hours_with_rows(self) -> Set[int]:
        with self._readers.read() as connection:
            oldest = connection.execute("SELECT MIN(created_ms) FROM results").fetchone()[0]
            if oldest is None:
                return set()
            rows = connection.execute(
                "SELECT DISTINCT hour_ms FROM rollup WHERE hour_ms >= ?", (hour_of(oldest),)
            )
            return {hour_ms for (hour_ms,) in rows}

    def _compare(self, hour_ms: int) -> Tuple[int, int]:
        """Look at the folder first, then at what is in flight, then at the rows: so none is missed."""
        folder = self._files.folder(hour_ms)
        names = _names(folder)
        in_flight = self._ids_in_flight()
        expected = self._expected(hour_ms)
        orphans = [folder / name for name in names - set(expected) if name.split(".", 1)[0] not in in_flight]
        num_orphans = remove_files(orphans)
        lost = [expected[name] for name in expected if name not in names and not (folder / name).exists()]
        if lost:
            self._writer.submit(lambda connection: connection.executemany(MARK_LOST, lost)).result()
        if len(names) <= len(orphans) and hour_ms < self._now_ms() - KEEP_FOLDER_MS:
            self._remove_empty(folder)
        return num_orphans, len(lost)

    def _expected(self, hour_ms: int) -> Dict[str, Tuple[int, int]]:
        """Return name -> (bit of results.lost, seq) of the files that the hour's rows speak of."""
        with self._readers.read() as connection:
            rows = connection.execute(
                "SELECT seq, id, created_ms, media_type, photo_bytes, score_bytes, lost FROM results "
                "WHERE created_ms >= ? AND created_ms < ?",
                (hour_ms, hour_ms + HOUR_MS),
            ).fetchall()
        expected: Dict[str, Tuple[int, int]] = {}
        for seq, result_id, created_ms, media_type, photo_bytes, score_bytes, lost in rows:
            if photo_bytes and not lost & PHOTO_LOST:
                name = self._files.photo_path(result_id, created_ms, media_type).name
                expected[name] = (PHOTO_LOST, seq)
            if score_bytes and not lost & SCORE_LOST:
                expected[self._files.score_path(result_id, created_ms).name] = (SCORE_LOST, seq)
        return expected

    def _remove_empty(self, folder: Path) -> None:
        for path in (folder, *folder.parents):
            if path == self._files.root:
                return
            try:
                path.rmdir()
            except OSError:  # not empty, or not there
                return


def _names(folder: Path) -> Set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()
