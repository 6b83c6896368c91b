"""An engine that answers at once and becomes faster later: another one serves until the best one is built."""

import logging
import threading
from typing import Callable, Optional, Protocol

import numpy as np

from inspector.errors import InspectorError
from inspector.runtime.engine import Engine, RuntimeStatus

logger = logging.getLogger(__name__)


class Build(Protocol):
    """Builds, loads and proves the better engine; `is_stopped` tells it to give up."""

    def __call__(self, *, is_stopped: Callable[[], bool]) -> Engine: ...


class BuildingEngine:
    """Answers with `fallback`; a thread calls `build`, and from the moment it returns its engine answers.

    An error of `build` is kept in `status`, and the fallback stays.
    """

    def __init__(self, fallback: Engine, build: Build, *, wanted: str) -> None:
        self._wanted = wanted
        self._stop = threading.Event()
        self._current: Engine = fallback
        self._state = "building"
        self._detail = f"the {wanted} engine is being built for this device; this takes minutes, once"
        self._thread = threading.Thread(target=self._run, args=(build,), name="engine-build", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Of the engine that answers now."""
        return self._current.name

    @property
    def precision(self) -> str:
        """Of the engine that answers now."""
        return self._current.precision

    @property
    def status(self) -> RuntimeStatus:
        """Who answers now, and how far the better engine is."""
        current = self._current
        return RuntimeStatus(current.name, current.precision, self._state, self._detail)

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map float32 (1, 3, H, W) to float32 (1, 1, H, W)."""
        return self._current.infer(image)

    def wait(self, timeout_s: Optional[float]) -> bool:
        """Return whether the build has ended, in success or not, within `timeout_s`; None: however long."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give up a build that is still running."""
        self._stop.set()
        self._thread.join()

    def _run(self, build: Build) -> None:
        try:
            engine = build(is_stopped=self._stop.is_set)
        except InspectorError as error:
            self._state, self._detail = "fallback", str(error)
            logger.warning("%s goes on answering: %s", self._current.name, error)
        except Exception as error:  # a runtime's own
            self._state, self._detail = "fallback", f"the {self._wanted} engine failed: {error}"
            logger.exception("%s goes on answering", self._current.name)
        else:
            self._current = engine  # one reference: a call that has begun ends on the old one
            self._state, self._detail = "ready", ""
