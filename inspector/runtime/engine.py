"""What a runtime must do: load a network and answer. Each runtime has a file of its own in this package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Protocol, Tuple

import numpy as np


class Engine(Protocol):
    """A loaded network; safe to call from several threads."""

    @property
    def name(self) -> str:
        """For people and logs, for example `onnxruntime-cpu`."""

    @property
    def precision(self) -> str:
        """`fp32`, `fp16` or `int8`: chooses the tolerance of the golden tensors."""

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map a network input, float32 (1, 3, H, W), to its score, float32 (1, 1, H, W)."""


@dataclass(frozen=True)
class Network:
    """An ONNX file to be loaded, called `where` in messages.

    precision: of the arithmetic in the file.
    target_precision: in which TensorRT, which builds an engine of its own, may compute.
    """

    model: bytes
    where: str
    input_hw: Tuple[int, int]
    precision: str = "fp32"
    target_precision: str = "fp32"


@dataclass(frozen=True)
class RuntimeStatus:
    """What answers now.

    state: `ready`; `building`: another one answers meanwhile; `fallback`: the best runtime of this machine
        cannot be used, and `detail` says why.
    """

    name: str
    precision: str
    state: str = "ready"
    detail: str = ""


class OpenEngine(Protocol):
    """Loads a network into one runtime."""

    def __call__(self, network: Network, *, threads: Optional[int], cache: Path) -> Engine:
        """Load `network`.

        Raises:
            RuntimeUnavailableError: this runtime is not installed on this machine.
            BundleError: it cannot load the model, or the model has other inputs or outputs.
        """
