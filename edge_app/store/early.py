"""Photos whose bytes go to disk while the network still looks at them: the answer waits less for the disk."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Dict, FrozenSet, Optional

from edge_app.services.result import Photo
from edge_app.store.files import NewFile, ResultFiles, remove_unnamed, write_early

MAX_EARLY = 32


class EarlyPhotos:
    """Begun photos by the id of their result. What cannot be written early is written later, as always."""

    def __init__(self, files: ResultFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._begun: Dict[str, Any] = {}  # futures of files
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store-early")

    @property
    def ids(self) -> FrozenSet[str]:
        """Results whose photo may be on disk already, under another name."""
        with self._lock:
            return frozenset(self._begun)

    def begin(self, result_id: str, created_ms: int, photo: Photo) -> None:
        """Start to write a photo; returns at once, and does nothing while too many are begun."""
        path = self._files.photo_path(result_id, created_ms, photo.media_type)
        with self._lock:
            if len(self._begun) < MAX_EARLY and result_id not in self._begun:
                job = self._pool.submit(lambda: write_early(NewFile(path, photo.data)))
                self._begun[result_id] = job

    def take(self, result_id: str) -> Optional[NewFile]:
        """Return the file of a begun photo, synced and still to be named; None where there is none.

        It stays among `ids` until `drop`: a sweep must not take it for an orphan.
        """
        with self._lock:
            job = self._begun.get(result_id)
        if job is None or job.exception() is not None:  # waits until it is written
            return None
        written: NewFile = job.result()
        return written

    def drop(self, result_id: str) -> None:
        """Forget a begun photo, whose result is stored or will never come; bytes without a name go."""
        with self._lock:
            job = self._begun.pop(result_id, None)
        if job is not None:
            job.add_done_callback(_remove_unnamed)

    def close(self) -> None:
        """Finish what was begun, and remove what nobody took."""
        self._pool.shutdown(wait=True)
        for result_id in self.ids:
            self.drop(result_id)


def _remove_unnamed(job: "Future[NewFile]") -> None:
    if job.exception() is None:
        remove_unnamed(job.result().path)
