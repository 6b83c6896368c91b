"""What is measured when somebody asks: queue, store, outbox, cameras, models, drift.

Labels are outcomes, states, and names that an administrator gave: cameras, destinations, models.
"""

from typing import Callable, Iterable, Iterator, Sequence, Tuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_app.metrics.counted import PREFIX
from edge_app.outbox.status import DestinationStatus
from edge_app.services.camera import CameraState, CameraStats
from edge_app.services.control_chart import Level
from edge_app.services.inspection import InspectionService
from edge_app.services.model_status import HostStatus
from edge_app.services.result import ModelVersion
from edge_app.store import StoreStatus

Families = Iterator[Metric]
STORE_STATES = ("ok", "degraded", "failed")
HOST_STATES = ("serving", "swapping", "failed")
DRIFT_LEVELS = tuple(level.value for level in Level)


class Measured(Collector):
    """Asks each part when the metrics are asked for, one after the other."""

    def __init__(self, parts: Iterable[Callable[[], Families]]) -> None:
        self._parts = tuple(parts)

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask parts that are still starting."""
        return ()

    def collect(self) -> Families:
        """Yield the families of all parts."""
        for part in self._parts:
            yield from part()


def of_service(service: InspectionService) -> Families:
    """Describe the queue, and what never became a result."""
    yield _gauge("queue_waiting", "Photos waiting, being inspected or being stored.", service.num_waiting)
    yield _gauge("queue_limit", "Photos that may wait; one more is refused.", service.limits.queue_size)
    counts = service.counts()
    refused = CounterMetricFamily(
        f"{PREFIX}_refused", "Photos without a result: queue full, or not readable.", labels=["reason"]
    )
    for reason in ("busy", "unreadable"):
        refused.add_metric([reason], counts.get(reason, 0))
    yield refused


def of_store(status: StoreStatus) -> Families:
    """Describe the store."""
    yield _one_of("store_state", "1 at the state that the store is in.", STORE_STATES, status.state)
    yield _gauge("store_results", "Results in the store.", status.num_results)
    yield _gauge("store_bytes", "Photos, score maps and database.", status.num_bytes)
    yield _gauge("store_free_bytes", "Free space where the store is.", status.free_bytes)
    yield _gauge("store_wal_bytes", "The database's write-ahead log.", status.wal_bytes)
    yield _gauge("store_pending", "Writes that wait for their commit.", status.num_pending)
    if status.oldest_ms is not None:
        yield _gauge(
            "store_oldest_timestamp_seconds", "When the oldest result was made.", status.oldest_ms / 1000
        )


def of_outbox(statuses: Sequence[DestinationStatus], *, now_ms: int) -> Families:
    """Describe every destination's queue."""
    waiting = _gauges("outbox_waiting", "Messages that wait.", "destination")
    dead = _gauges("outbox_dead", "Messages that the receiver refused for good.", "destination")
    dropped = CounterMetricFamily(
        f"{PREFIX}_outbox_dropped", "Messages dropped because the queue was full.", labels=["destination"]
    )
    age = _gauges("outbox_oldest_seconds", "Age of the oldest message that waits.", "destination")
    connected = _gauges("outbox_connected", "1 while the receiver answers.", "destination")
    for status in statuses:
        waiting.add_metric([status.name], status.waiting)
        dead.add_metric([status.name], status.dead)
        dropped.add_metric([status.name], status.dropped)
        oldest_ms = now_ms if status.oldest_ms is None else status.oldest_ms
        age.add_metric([status.name], max(0.0, (now_ms - oldest_ms) / 1000))
        connected.add_metric([status.name], float(bool(status.connected)))
    yield from (waiting, dead, dropped, age, connected)


def of_cameras(cameras: Sequence[Tuple[str, CameraStats]]) -> Families:
    """Describe every camera by its name."""
    running = _gauges("camera_running", "1 while frames come that can be judged.", "camera")
    rate = _gauges("camera_fps", "Frames a second.", "camera")
    age = _gauges("camera_frame_age_seconds", "Age of the newest frame.", "camera")
    frames = CounterMetricFamily(f"{PREFIX}_camera_frames", "Frames since the start.", labels=["camera"])
    restarts = CounterMetricFamily(
        f"{PREFIX}_camera_restarts", "Times that the camera's process was started again.", labels=["camera"]
    )
    for name, stats in cameras:
        running.add_metric([name], float(stats.state is CameraState.RUNNING and stats.fault is None))
        rate.add_metric([name], stats.fps)
        if stats.age_ms is not None:
            age.add_metric([name], stats.age_ms / 1000)
        frames.add_metric([name], stats.num_frames)
        restarts.add_metric([name], stats.num_restarts)
    yield from (running, rate, age, frames, restarts)


def of_models(status: HostStatus, *, serving: ModelVersion) -> Families:
    """Describe the model that serves."""
    yield _one_of("model_state", "1 at the state that the models are in.", HOST_STATES, status.state)
    info = InfoMetricFamily(f"{PREFIX}_model", "The model that serves.")
    info.add_metric(
        [],
        {
            "digest": serving.digest,
            "name": serving.name,
            "version": serving.version,
            "runner": serving.runner,
        },
    )
    yield info


def of_drift(level: Level) -> Families:
    """Describe the drift: sources have no label, since whoever posts a photo may name one."""
    yield _one_of("drift_level", "1 at the highest level of drift.", DRIFT_LEVELS, level.value)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_text, value=value)


def _gauges(name: str, help_text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_text, labels=[label])


def _one_of(name: str, help_text: str, states: Sequence[str], state: str) -> GaugeMetricFamily:
    family = _gauges(name, help_text, "state")
    for each in states:
        family.add_metric([each], float(each == state))
    return family
