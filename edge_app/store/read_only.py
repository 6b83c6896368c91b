"""The results of a state folder for reading alone, beside the server that runs on it or without one."""

from pathlib import Path
from typing import Iterator, Optional, Tuple

import numpy as np

from edge_app.store.files import ResultFiles
from edge_app.store.filters import ResultFilter
from edge_app.store.history import History
from edge_app.store.readers import Readers
from edge_app.store.records import StoredResult, ThresholdVersion
from edge_app.store.store import DATABASE_NAME, FILES_NAME
from edge_app.store.thresholds import read_thresholds
from inspector.errors import InputError


class ReadOnlyStore:
    """Reads what `Store` wrote; takes no lock and writes nothing."""

    def __init__(self, folder: Path) -> None:
        """Open the results in the state folder `folder`.

        Raises:
            InputError: there are none.
            StorageError: when something is read that cannot be.
        """
        path = folder / DATABASE_NAME
        if not path.is_file():
            raise InputError(
                f"there are no results in {folder} ({DATABASE_NAME} is missing); give the folder that "
                "`inspector serve --state` uses"
            )
        self._readers = Readers(path)
        self._history = History(self._readers, ResultFiles(folder / FILES_NAME), None)

    def iterate(self, wanted: ResultFilter) -> Iterator[StoredResult]:
        """Yield all matching results, oldest first; see `Store.iterate`."""
        return self._history.iterate(wanted)

    def photo(self, result_id: str) -> Optional[Tuple[bytes, str]]:
        """Return a photo's file and media type, or None when there is none."""
        return self._history.photo(result_id)

    def score(self, result_id: str) -> Optional[np.ndarray]:
        """Return a score map, float32 (H, W), or None when there is none."""
        return self._history.score(result_id)

    def current_thresholds(self, model_digest: str) -> Optional[ThresholdVersion]:
        """Return the device's own thresholds for a model, or None where the bundle's hold."""
        with self._readers.read() as connection:
            return next(iter(read_thresholds(connection, model_digest, limit=1)), None)

    def close(self) -> None:
        """Close the database."""
        self._readers.close()
