"""From a bundle on disk to a model that may answer: loaded, warmed up, and equal to its golden scores.

Source: facts/edge_reliability.md, section 5.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Protocol, Tuple

import numpy as np

from edge_app.heap import mapped_blocks
from edge_app.services.memory import resident_bytes
from edge_app.services.result import ModelVersion
from edge_app.services.serving import Answer, ModelCard
from inspector.bundle import Bundle
from inspector.errors import InspectorError
from inspector.manifest import Reference
from inspector.postprocess import Thresholds
from inspector.runtime.engine import RuntimeStatus

NUM_WARM_UP = 10
MIN_WARM_UP = 2
WARM_UP_S = 0.5


class ModelRefusedError(InspectorError):
    """A model that verifies cannot be used on this device."""


class Engine(Protocol):
    """A loaded bundle; `inspector.runtime.Runner` is one."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def status(self) -> RuntimeStatus: ...

    def score(self, frame: np.ndarray) -> np.ndarray: ...

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Answer: ...

    def self_test(self) -> float: ...

    def close(self) -> None:
        """Give up what is being prepared in the background; it goes on answering."""


Load = Callable[[Path], Tuple[Engine, ModelCard]]


@dataclass(frozen=True)
class HostedModel:
    """A model that answers. Its network never changes: another version is another object.

    warm_up_ms: median time of one inspection on this device before anything else ran on it.
    memory_bytes: by how much this process grew while it was loaded; None where that cannot be measured.
    """

    engine: Engine
    card: ModelCard
    digest: str
    warm_up_ms: float
    memory_bytes: Optional[int]

    @property
    def version(self) -> ModelVersion:
        """Which model this is, and what executes it now."""
        return ModelVersion(self.digest, self.card.name, self.card.version, self.runtime.name)

    @property
    def runtime(self) -> RuntimeStatus:
        """What executes the model now, and whether a better engine is being built for this device."""
        return self.engine.status

    @property
    def reference(self) -> Reference:
        """What good parts looked like when the bundle was made."""
        return self.engine.bundle.reference

    def score(self, frame: np.ndarray) -> np.ndarray:
        """Map a frame of any size, uint8 (h, w, 3) BGR, to its score map, float32 (H, W), not smoothed."""
        return self.engine.score(frame)


def load_hosted(path: Path, *, load: Load, digest: str, on_step: Callable[[str], None]) -> HostedModel:
    """Load the bundle at `path` and prove that it gives the answers it was exported with, also when warm.

    Raises:
        InspectorError: it is damaged, is another one than `digest`, cannot be loaded, or answers differently.
    """
    before = resident_bytes()
    try:
        with mapped_blocks():
            engine, card = load(path)
            on_step("loaded")
            warm_up_ms = _warm_up(engine)
            on_step("warmed up")
            engine.self_test()
            on_step("tested")
    except InspectorError:
        raise
    except Exception as error:  # runtimes have no common base class of their errors
        raise ModelRefusedError(
            f"the model cannot be loaded on this device: {type(error).__name__}: {str(error)[:300]}"
        ) from error
    if engine.bundle.digest != digest:
        raise ModelRefusedError(f"{path} holds the bundle {engine.bundle.digest[:12]}, not {digest[:12]}")
    after = resident_bytes()
    return HostedModel(
        engine=engine,
        card=card,
        digest=digest,
        warm_up_ms=warm_up_ms,
        memory_bytes=None if before is None or after is None else max(0, after - before),
    )


def _warm_up(engine: Engine) -> float:
    """Return the median milliseconds of the first inspections: ten, or as many as fit into half a second."""
    frames = [golden.frame for golden in engine.bundle.golden_frames]
    start_s = time.monotonic()
    took_ms = []
    for number in range(NUM_WARM_UP):
        took_ms.append(engine.inspect(frames[number % len(frames)]).latency_ms)
        if number + 1 >= MIN_WARM_UP and time.monotonic() - start_s > WARM_UP_S:
            break
    return statistics.median(took_ms)
