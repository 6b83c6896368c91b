"""All metrics of one app as Prometheus' text."""

from typing import Callable, Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from edge_app.metrics.counted import Counted
from edge_app.metrics.measured import Families, Measured
from edge_app.services.result import Result

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one app, in a registry of their own: several apps in one process do not mix.

    Args:
        parts: Called in turn when the metrics are asked for; see `edge_app.metrics.measured`.
    """

    def __init__(self, parts: Iterable[Callable[[], Families]] = ()) -> None:
        self._registry = CollectorRegistry()
        self._counted = Counted(self._registry)
        self._registry.register(Measured(parts))
        ProcessCollector(registry=self._registry)

    def on_result(self, result: Result) -> None:
        """Count one result; from any thread, and it returns at once."""
        self._counted.on_result(result)

    def text(self) -> bytes:
        """Return the text format 0.0.4."""
        return generate_latest(self._registry)
