"""The last results, kept in memory within a count and a number of bytes."""

import threading
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np

from inspector.postprocess import Judgement, Region, Thresholds


@dataclass(frozen=True)
class InspectionRecord:
    """One inspected photo: enough to draw its mask and overlay later.

    `photo` is the file as it was sent; `score` is (H, W) at the network's input size, not smoothed;
    `judgement` is at that size too, `regions` are its regions in the photo's pixels.
    """

    id: str
    created: str  # UTC, ISO 8601
    photo: bytes
    media_type: str
    frame_hw: Tuple[int, int]
    score: np.ndarray
    judgement: Judgement
    regions: Tuple[Region, ...]
    thresholds: Thresholds
    latency_ms: float

    @property
    def num_bytes(self) -> int:
        """How much memory this record holds."""
        return len(self.photo) + self.score.nbytes + self.judgement.mask.nbytes


class RecentInspections:
    """Keeps the newest records; the oldest go when there are too many or they are too large together."""

    def __init__(self, *, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._lock = threading.Lock()
        self._records: Dict[str, InspectionRecord] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: InspectionRecord) -> None:
        """Keep `record`, the newest; it stays even when it alone is over `max_bytes`."""
        with self._lock:
            self._records[record.id] = record
            self._num_bytes += record.num_bytes
            while len(self._records) > 1 and self._is_over():
                oldest = next(iter(self._records))
                self._num_bytes -= self._records.pop(oldest).num_bytes

    def get(self, record_id: str) -> Optional[InspectionRecord]:
        """Return the record, or None when it is unknown or no longer kept."""
        with self._lock:
            return self._records.get(record_id)

    def _is_over(self) -> bool:
        return len(self._records) > self._max_count or self._num_bytes > self._max_bytes
