"""Pages while the store is at work: results come in, the oldest tenth goes, the sweep compares every hour."""

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.store import ResultFilter, StoragePolicy, Store
from inspector.postprocess import Thresholds

INTERVAL_S = 0.05


@dataclass(frozen=True)
class BusyTimes:
    """Times of pages and of receipts in ms, and how many results came and went meanwhile."""

    page_ms: list[float]
    receipt_ms: list[float]
    num_added: int
    num_removed: int


def time_busy_pages(
    folder: Path, filters: Sequence[ResultFilter], *, max_age_days: float, seconds: float, limit: int
) -> BusyTimes:
    """Ask for pages without a pause for `seconds`, while 20 results a second come and old ones go."""
    store = Store.open(folder, policy=StoragePolicy(max_age_days=max_age_days, min_free_bytes=0))
    try:
        num_before = store.status().num_results
        receipts: list[float] = []
        is_over = threading.Event()
        adder = threading.Thread(target=_add, args=(store, is_over, receipts))
        adder.start()
        times: list[float] = []
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            start_s = time.perf_counter()
            store.page(filters[len(times) % len(filters)], limit=limit)
            times.append((time.perf_counter() - start_s) * 1000.0)
        is_over.set()
        adder.join()
        num_removed = num_before + len(receipts) - store.status().num_results
    finally:
        store.close()
    return BusyTimes(times, receipts, len(receipts), num_removed)


def _add(store: Store, is_over: threading.Event, receipt_ms: list[float]) -> None:
    score = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    while not is_over.wait(INTERVAL_S):
        start_s = time.perf_counter()
        receipt = store.add(_result(score)).result()
        if not receipt.stored:
            raise AssertionError(receipt.reason)
        receipt_ms.append((time.perf_counter() - start_s) * 1000.0)


def _result(score: np.ndarray) -> Result:
    return Result(
        id=uuid.uuid4().hex,
        created_ms=int(time.time() * 1000),
        outcome=Outcome.PASS,
        origin=Origin("left", "continuous", "LOT-NOW"),
        model=ModelVersion("f" * 64, "bracket", "3"),
        thresholds=Thresholds(fail=0.5, review=0.4, min_area_px=12),
        frame_hw=(1080, 1920),
        photo=Photo(data=b"\xff\xd8" + bytes(100_000)),
        image_score=0.2,
        score=score,
        latency_ms=40.0,
    )
