"""What is counted as it happens: results, latency, frame age, scores.

No label takes values from outside without a bound: a source is `rest`, or one of the first `MAX_SOURCES`
cameras, else `other`.
"""

import threading
from typing import Set

from prometheus_client import CollectorRegistry, Counter, Histogram

from edge_app.services.result import Outcome, Result

PREFIX = "inspector"
MAX_SOURCES = 32
REST, OTHER = "rest", "other"

LATENCY_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
AGE_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
SCORES = tuple(step / 10 for step in range(1, 11))


class Counted:
    """Counts results in `registry`; give `on_result` to the inspection service's `listen`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._results = Counter(
            f"{PREFIX}_results",
            "Inspected photos and frames, by outcome and by where they came from.",
            ["outcome", "source"],
            registry=registry,
        )
        self._latency = Histogram(
            f"{PREFIX}_inference_seconds",
            "Time of the network on this device, without decoding and storing.",
            buckets=LATENCY_S,
            registry=registry,
        )
        self._age = Histogram(
            f"{PREFIX}_frame_age_seconds",
            "How old a camera's frame was when inference began.",
            ["source"],
            buckets=AGE_S,
            registry=registry,
        )
        self._score = Histogram(
            f"{PREFIX}_image_score",
            "Image score: the maximum of the smoothed score map, 0 to 1.",
            buckets=SCORES,
            registry=registry,
        )
        self._lock = threading.Lock()
        self._sources: Set[str] = set()
        for outcome in Outcome:  # a series that begins at 0, not with the first result
            self._results.labels(outcome.value, REST)

    def on_result(self, result: Result) -> None:
        """Count one result; from any thread, and it returns at once."""
        origin = result.origin
        is_posted = origin.frame_age_ms is None and origin.trigger == "http"
        source = REST if is_posted else self._bounded(origin.source)
        self._results.labels(result.outcome.value, source).inc()
        if result.latency_ms is not None:
            self._latency.observe(result.latency_ms / 1000)
        if origin.frame_age_ms is not None:
            self._age.labels(source).observe(origin.frame_age_ms / 1000)
        if result.image_score is not None:
            self._score.observe(result.image_score)

    def _bounded(self, source: str) -> str:
        with self._lock:
            if source not in self._sources:
                if len(self._sources) >= MAX_SOURCES:
                    return OTHER
                self._sources.add(source)
            return source
