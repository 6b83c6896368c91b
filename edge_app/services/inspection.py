"""Inspects photos one at a time and remembers the last results."""

import secrets
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Dict, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.bounded_worker import BoundedWorker, BusyError
from edge_app.services.recent import InspectionRecord, RecentInspections
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import ImageError
from inspector.image_file import decode_frame
from inspector.postprocess import Judgement, Thresholds


class Answer(Protocol):
    """What a model says about one frame: its judgement and score map at the network's input size."""

    @property
    def judgement(self) -> Judgement: ...

    @property
    def score(self) -> np.ndarray: ...

    @property
    def latency_ms(self) -> float: ...


class Model(Protocol):
    """A model that answers; `inspector.runtime.Runner` is one."""

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Answer: ...


@dataclass(frozen=True)
class ModelCard:
    """What there is to say about the model. `warning` says why its thresholds promise less than asked for."""

    name: str
    version: str
    created: str
    input_hw: Tuple[int, int]
    thresholds: Thresholds
    runner: str
    num_parameters: int
    self_test_difference: float
    examples: Tuple[bytes, ...] = ()  # PNG
    warning: Optional[str] = None


@dataclass(frozen=True)
class InspectionLimits:
    """How much the service takes and keeps."""

    queue_size: int = 4
    keep_results: int = 64
    keep_results_bytes: int = 128_000_000
    max_pixels: int = 50_000_000


class InspectionService:
    """Decodes, inspects and remembers: one photo at a time, behind a bounded queue."""

    def __init__(self, model: Model, card: ModelCard, limits: InspectionLimits) -> None:
        self.card = card
        self.limits = limits
        self._model = model
        self._worker = BoundedWorker(limits.queue_size)
        self._recent = RecentInspections(max_count=limits.keep_results, max_bytes=limits.keep_results_bytes)
        self._counts: Dict[str, int] = Counter()
        self._counts_lock = threading.Lock()

    @property
    def num_waiting(self) -> int:
        """How many photos are waiting or being inspected."""
        return self._worker.num_pending

    def counts(self) -> Dict[str, int]:
        """Return how many photos ended in each verdict, and how many were refused, since the start."""
        with self._counts_lock:
            return dict(self._counts)

    def submit(
        self, photo: bytes, *, media_type: str, override: ThresholdOverride
    ) -> "Future[InspectionRecord]":
        """Queue one photo and return the future of its record.

        The future raises ImageError when the photo cannot be read or has too many pixels.

        Raises:
            InputError: thresholds that contradict each other.
            BusyError: the queue is full.
        """
        thresholds = override.apply(self.card.thresholds)
        try:
            return self._worker.submit(lambda: self._inspect(photo, media_type, thresholds))
        except BusyError:
            self._count("busy")
            raise

    def find(self, record_id: str) -> Optional[InspectionRecord]:
        """Return a result that is still kept, else None."""
        return self._recent.get(record_id)

    def close(self) -> None:
        """Finish the photos that were taken, then stop."""
        self._worker.close()

    def _inspect(self, photo: bytes, media_type: str, thresholds: Thresholds) -> InspectionRecord:
        try:
            frame = decode_frame(photo, max_pixels=self.limits.max_pixels)
        except ImageError:
            self._count("unreadable")
            raise
        frame_hw = (int(frame.shape[0]), int(frame.shape[1]))
        answer = self._model.inspect(frame, thresholds=thresholds)
        record = InspectionRecord(
            id=secrets.token_hex(8),
            created=datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            photo=photo,
            media_type=media_type,
            frame_hw=frame_hw,
            score=answer.score,
            judgement=answer.judgement,
            regions=answer.judgement.scaled_to(frame_hw).regions,
            thresholds=thresholds,
            latency_ms=answer.latency_ms,
        )
        self._recent.add(record)
        self._count(answer.judgement.verdict.value.lower())
        return record

    def _count(self, what: str) -> None:
        with self._counts_lock:
            self._counts[what] += 1
