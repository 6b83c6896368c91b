"""Files that go to disk while the network and the judge still work: the answer waits less for the disk.

The photo is whole, and both names are durable, before there is a score map; the map's bytes take the place
of zeros while it is judged. So a map's name may stand for zeros for a while. That is as safe as a photo
without a result: files are found by their rows alone, a row is written when `take` has said that its files
are on disk, and a sweep removes what has no row.
"""

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Deque, Dict, FrozenSet, List, Mapping, Optional, Tuple, cast

import numpy as np

from edge_app.services.result import Photo
from edge_app.store.failure import Severity, severity_of
from edge_app.store.files import (
    Beginning,
    NewFile,
    ResultFiles,
    begin_files,
    fill_file,
    remove_files,
    trim_file,
)
from edge_app.store.score_map import encode_score, largest_file

MAX_EARLY = 32


@dataclass(frozen=True)
class _Begun:
    """`photo` gives the file when it is durable and the map has its name; `score` when the map is whole."""

    photo: "Future[NewFile]"
    score_path: Path
    score: Optional["Future[NewFile]"] = None


_Waiting = Tuple[Photo, Beginning, "Future[NewFile]"]
_Prepared = Tuple[Beginning, "Future[NewFile]"]


class EarlyFiles:
    """Begun files by the id of their result. What cannot be written early is written later, as always."""

    def __init__(self, files: ResultFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._begun: Dict[str, _Begun] = {}
        self._waiting: Deque[_Waiting] = deque()
        # The map of one result must not wait until the next one's photo is on disk.
        self._photos = ThreadPoolExecutor(1, thread_name_prefix="store-photo")
        self._scores = ThreadPoolExecutor(1, thread_name_prefix="store-score")

    @property
    def ids(self) -> FrozenSet[str]:
        """Results whose files may be on disk already."""
        with self._lock:
            return frozenset(self._begun)

    def begin(
        self, result_id: str, created_ms: int, photo: Photo, *, map_hw: Tuple[int, int] = (0, 0)
    ) -> None:
        """Start to write a photo and to make room for a map of `map_hw`; returns at once.

        Does nothing while too many are begun.
        """
        path = self._files.photo_path(result_id, created_ms, photo.media_type)
        score_path = self._files.score_path(result_id, created_ms)
        beginning = Beginning(NewFile(path, b""), score_path, largest_file(map_hw))
        with self._lock:
            if len(self._begun) >= MAX_EARLY or result_id in self._begun:
                return
            self._photos.submit(self._begin_waiting)  # raises when this is closed
            future = cast("Future[NewFile]", Future())
            self._waiting.append((photo, beginning, future))
            self._begun[result_id] = _Begun(future, score_path)

    def begin_score(self, result_id: str, score: np.ndarray) -> None:
        """Start to write the map of a begun result; returns at once."""
        with self._lock:
            begun = self._begun.get(result_id)
            if begun is not None and begun.score is None:
                job = self._scores.submit(_write_score, begun, score)
                self._begun[result_id] = replace(begun, score=job)

    def take(self, result_id: str) -> Tuple[Optional[NewFile], Optional[NewFile]]:
        """Wait for photo and map of a begun result and return them, durable, or None for what is not there.

        They are the caller's from then on: to name them in a row, or to remove them.

        Raises:
            OSError: the disk cannot be trusted any more; the files are removed.
        """
        with self._lock:
            begun = self._begun.pop(result_id, None)
        if begun is None:
            return None, None
        photo = _file_of(begun.photo)
        if photo is None:
            return None, None
        try:
            score = None if begun.score is None else _file_of(begun.score)
        except OSError:
            remove_files([photo.path])
            raise
        if score is None:
            remove_files([begun.score_path])  # the zeros: their name is needed, or there is no map
        else:
            self._photos.submit(trim_file, score)  # later: it may have to wait for the file system
        return photo, score

    def drop(self, result_id: str) -> None:
        """Remove the files of a begun result that will never come, or whose files nobody wants."""
        with self._lock:
            begun = self._begun.pop(result_id, None)
        if begun is None:
            return
        try:
            self._scores.submit(_remove, begun)  # it may have to wait for the disk
        except RuntimeError:  # closed
            _remove(begun)

    def close(self) -> None:
        """Finish what was begun, and remove what nobody took."""
        for result_id in self.ids:
            self.drop(result_id)
        self._photos.shutdown(wait=True)
        self._scores.shutdown(wait=True)

    def _begin_waiting(self) -> None:
        """Begin all that wait, so that their syncs are shared: a fast network is not held up by the disk."""
        with self._lock:
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        batch: List[_Prepared] = []
        for photo, beginning, future in waiting:
            try:  # a camera's photo is encoded here
                batch.append((replace(beginning, photo=replace(beginning.photo, data=photo.data)), future))
            except Exception as error:
                future.set_exception(error)
        try:
            failures: Mapping[Path, Exception] = begin_files([beginning for beginning, _ in batch])
        except Exception as error:  # else `take` would wait for ever
            failures = {beginning.photo.path: error for beginning, _ in batch}
        for beginning, future in batch:
            failure = failures.get(beginning.photo.path)
            if failure is None:
                future.set_result(replace(beginning.photo, is_durable=True))
            else:
                future.set_exception(failure)


def _write_score(begun: _Begun, score: np.ndarray) -> NewFile:
    begun.photo.result()  # the map's name is there then
    return fill_file(NewFile(begun.score_path, encode_score(score)))


def _file_of(job: "Future[NewFile]") -> Optional[NewFile]:
    error = job.exception()
    if error is None:
        return job.result()
    if severity_of(error) is Severity.BROKEN:
        raise error
    return None


def _remove(begun: _Begun) -> None:
    """Remove what was made; a photo that could not be begun has left nothing of its own."""
    if begun.photo.exception() is None:
        remove_files([begun.photo.result().path, begun.score_path])
