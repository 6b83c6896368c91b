"""Runner: frame in, score map and verdict out, whatever runtime is on this machine."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from inspector.bundle import Bundle
from inspector.errors import BundleError
from inspector.postprocess import Judgement, Thresholds, judge
from inspector.preprocess import to_image
from inspector.runtime.best import open_best
from inspector.runtime.building import BuildingEngine
from inspector.runtime.engine import Engine, Network, RuntimeStatus
from inspector.runtime.engine_cache import default_cache
from inspector.runtime.fallback import FallbackEngine


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
    def open(
        cls,
        bundle: Bundle,
        *,
        threads: Optional[int] = None,
        runtime: str = "auto",
        cache: Optional[Path] = None,
    ) -> "Runner":
        """Load `bundle` into the best runtime of this machine: TensorRT, then CUDA, then the CPU.

        A TensorRT engine is built once for this device, in a process of its own, and cached; until it is
        proven on the golden tensors, the next best runtime answers and `status` says `building`.

        Args:
            threads: How many CPU threads work on one image, at least 1; None: the runtime chooses.
            runtime: `auto`, `tensorrt`, `cuda` or `cpu`.
            cache: Where engines are kept; by default a folder of this user.

        Raises:
            RuntimeUnavailableError: no runtime is installed; the message has the command that installs one.
            BundleError: the runtime cannot load the model.
            InputError: `threads` is below 1, or `runtime` is not known.
        """
        manifest = bundle.manifest
        network = Network(
            bundle.model_bytes,
            where=str(bundle.path),
            input_hw=manifest.input_hw,
            precision=manifest.file_precision,
            target_precision=manifest.precision,
        )
        engine = open_best(
            network,
            runtime=runtime,
            threads=threads,
            cache=default_cache() if cache is None else cache,
            prove=lambda engine: golden_difference(bundle, engine),
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

    @property
    def status(self) -> RuntimeStatus:
        """What answers now, and whether a better engine is being built."""
        if isinstance(self._engine, (BuildingEngine, FallbackEngine)):
            return self._engine.status
        return RuntimeStatus(self._engine.name, self._engine.precision)

    def self_test(self) -> float:
        """Return the largest difference from the golden scores.

        Raises:
            BundleError: it is above the tolerance of the runtime's precision: other answers on this machine.
        """
        return golden_difference(self.bundle, self._engine)

    def wait(self) -> None:
        """Wait until the best engine of this machine answers, or has failed; at the first start minutes."""
        if isinstance(self._engine, BuildingEngine):
            self._engine.wait(None)

    def close(self) -> None:
        """Give up an engine that is still being built; the runner goes on answering."""
        if isinstance(self._engine, BuildingEngine):
            self._engine.close()

    def _infer(self, image: np.ndarray) -> np.ndarray:
        score: np.ndarray = self._engine.infer(image)
        return score.reshape(self.bundle.manifest.input_hw)


def golden_difference(bundle: Bundle, engine: Engine) -> float:
    """Return the largest difference of what `engine` says from the golden scores of `bundle`.

    Raises:
        BundleError: it is not a number, or above the tolerance that the bundle states for its precision.
    """
    limit = bundle.tolerance.get(engine.precision)
    if limit is None:
        raise BundleError(
            f"{bundle.path} states no tolerance for {engine.precision}, "
            f"which {engine.name} computes in; export the bundle for this runtime"
        )
    worst = float(np.max([_difference(engine.infer(image), score) for image, score in bundle.golden]))
    if not worst <= limit:
        raise BundleError(
            f"{bundle.path} gives other answers on this machine than where it was made: "
            f"the golden scores differ by {worst:.2g}, the limit is {limit:.2g} ({engine.name}); "
            "update the runtime or export the bundle again"
        )
    return worst


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found.reshape(expected.shape) - expected).max())
