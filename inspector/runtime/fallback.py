"""An engine that answers because a better one of this machine cannot, and says why."""

import numpy as np

from inspector.runtime.engine import Engine, RuntimeStatus


class FallbackEngine:
    """`engine`, with the reason why it is not a better one."""

    def __init__(self, engine: Engine, *, why: str) -> None:
        self._engine = engine
        self._why = why

    @property
    def name(self) -> str:
        """Of the engine that answers."""
        return self._engine.name

    @property
    def precision(self) -> str:
        """Of the engine that answers."""
        return self._engine.precision

    @property
    def status(self) -> RuntimeStatus:
        """Who answers, and why."""
        return RuntimeStatus(self.name, self.precision, "fallback", self._why)

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map float32 (1, 3, H, W) to float32 (1, 1, H, W)."""
        return self._engine.infer(image)
