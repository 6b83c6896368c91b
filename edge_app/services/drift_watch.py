"""Keeps one drift monitor a source of photos and tells how they do; a listener of the hub."""

import threading
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Protocol, Tuple

from edge_app.services.control_chart import Level
from edge_app.services.drift import DriftMonitor, DriftStatus, Observation
from edge_app.services.result import ModelVersion, Outcome, Result
from edge_app.services.serving import ModelCard
from inspector.manifest import Reference
from inspector.view import View

MAX_SOURCES = 64


class WatchedModel(Protocol):
    """What is needed of the model that answers; `HostedModel` is one."""

    @property
    def reference(self) -> Reference: ...

    @property
    def version(self) -> ModelVersion: ...

    @property
    def card(self) -> ModelCard: ...


@dataclass(frozen=True)
class SourceDrift:
    """How the photos of one source do."""

    source: str
    status: DriftStatus


@dataclass(frozen=True)
class DriftReport:
    """The highest level among the sources, and each of them."""

    level: Level
    sentence: str
    sources: Tuple[SourceDrift, ...]


@dataclass(frozen=True)
class _Watched:
    digest: str
    view: Optional[View]
    monitor: DriftMonitor


class DriftWatch:
    """Call `on_result` with every result; `report` may be called from any thread."""

    def __init__(self, model: Callable[[], Optional[WatchedModel]]) -> None:
        """Watch results of the model that `model` returns, for example `lambda: host.model`."""
        self._model = model
        self._lock = threading.Lock()
        self._watched: Dict[str, _Watched] = {}  # the source that was silent longest comes first

    def on_result(self, result: Result) -> None:
        """Take a result into account; not one without a verdict, or of a model that is gone."""
        model = self._model()
        if (
            result.outcome is Outcome.NO_DECISION
            or model is None
            or model.version.digest != result.model.digest
        ):
            return
        source = result.origin.source
        with self._lock:
            watched = self._watched.pop(source, None)
            if watched is None or (watched.digest, watched.view) != (result.model.digest, result.view):
                watched = _Watched(result.model.digest, result.view, _monitor(model, result.view))
            monitor = watched.monitor.seen(observation_of(result))
            self._watched[source] = _Watched(watched.digest, watched.view, monitor)
            if len(self._watched) > MAX_SOURCES:
                del self._watched[next(iter(self._watched))]

    def report(self) -> DriftReport:
        """Say how the sources do, by name."""
        with self._lock:
            watched = sorted(self._watched.items())
        sources = tuple(SourceDrift(source, state.monitor.status()) for source, state in watched)
        level = max((each.status.level for each in sources), key=list(Level).index, default=Level.OK)
        if not sources:
            return DriftReport(level, "no result has been seen since the start", sources)
        named = [f"{each.source}: {each.status.sentence}" for each in sources if each.status.level is level]
        return DriftReport(level, named[0] if level is Level.OK else "; ".join(named), sources)


def observation_of(result: Result) -> Observation:
    """Return what a result tells about drift."""
    quality = result.quality
    return Observation(
        brightness=None if quality is None else quality.brightness,
        focus=None if quality is None else quality.focus,
        score=result.image_score,
        latency_ms=result.latency_ms,
        passed=result.outcome is Outcome.PASS,
    )


def _monitor(model: WatchedModel, view: Optional[View]) -> DriftMonitor:
    reference = model.reference if view is None else None
    return DriftMonitor.against(reference, review_threshold=model.card.thresholds.review)
