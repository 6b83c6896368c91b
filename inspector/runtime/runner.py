"""Runner: frame in, score map and verdict out, whatever runtime is on this machine."""

import time
from dataclasses import dataclass
from typing import Optional

import numpy as np

from inspector.bundle import Bundle
from inspector.errors import BundleError
from inspector.postprocess import Judgement, Thresholds, judge
from inspector.preprocess import to_image
from inspector.runtime.choice import open_engine
from inspector.runtime.engine import Engine


@dataclass(frozen=True)
class Inspection:
    """What the network says of one frame. `score` is float32 (H, W) at network input size."""

    judgement: Judgement
    score: np.ndarray
    latency_ms: float


class Runner:
    """A bundle that answers. Safe to share between threads."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle = bundle
        self._engine = engine

    @classmethod
    def open(cls, bundle: Bundle, *, threads: Optional[int] = None) -> "Runner":
        """Load `bundle` into the best runtime of this machine.

        Args:
            threads: How many threads work on one image, at least 1; None leaves the choice to the runtime.

        Raises:
            RuntimeUnavailableError: no runtime is installed; the message has the command that installs one.
            BundleError: the runtime cannot load the model.
            InputError: `threads` is below 1.
        """
        engine = open_engine(
            bundle.model_bytes, where=str(bundle.path), input_hw=bundle.manifest.input_hw, threads=threads
        )
        return cls(bundle, engine)

    @property
    def name(self) -> str:
        """The runtime in use, for example `onnxruntime-cpu`."""
        return self._engine.name

    def score(self, frame: np.ndarray) -> np.ndarray:
        """Map a frame of any size, uint8 (h, w, 3) BGR, to its score map, float32 (H, W) at input size."""
        return self._infer(to_image(frame, size_hw=self.bundle.manifest.input_hw))

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Inspection:
        """Score `frame` and judge it, by the bundle's own thresholds when none are given."""
        start_s = time.perf_counter()
        score = self.score(frame)
        judgement = judge(score, self.bundle.thresholds if thresholds is None else thresholds)
        return Inspection(judgement, score, latency_ms=(time.perf_counter() - start_s) * 1000)

    def self_test(self) -> float:
        """Return the largest difference from the golden scores.

        Raises:
            BundleError: it is above the tolerance of the runtime's precision: other answers on this machine.
        """
        limit = self.bundle.tolerance.get(self._engine.precision)
        if limit is None:
            raise BundleError(
                f"{self.bundle.path} states no tolerance for {self._engine.precision}, "
                f"which {self.name} computes in; export the bundle for this runtime"
            )
        worst = max(float(np.abs(self._infer(image) - score).max()) for image, score in self.bundle.golden)
        if not worst <= limit:
            raise BundleError(
                f"{self.bundle.path} gives other answers on this machine than where it was made: "
                f"the golden scores differ by {worst:.2g}, the limit is {limit:.2g} ({self.name}); "
                "update the runtime or export the bundle again"
            )
        return worst

    def _infer(self, image: np.ndarray) -> np.ndarray:
        score: np.ndarray = self._engine.infer(image)
        return score.reshape(self.bundle.manifest.input_hw)
