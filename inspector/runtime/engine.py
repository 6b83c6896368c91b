"""What a runtime must offer, so that onnxruntime, TensorRT and others can stand behind one Runner."""

from typing import Optional, Protocol, Tuple

import numpy as np


class Engine(Protocol):
    """A loaded network. `infer` may be called from several threads at once."""

    @property
    def name(self) -> str:
        """For people and logs, for example `onnxruntime-cpu`."""

    @property
    def precision(self) -> str:
        """`fp32`, `fp16` or `int8`: chooses the tolerance of the golden tensors."""

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map a network input, float32 (1, 3, H, W), to its score, float32 (1, 1, H, W)."""


class OpenEngine(Protocol):
    """Loads a network into one runtime."""

    def __call__(
        self, model: bytes, *, where: str, input_hw: Tuple[int, int], threads: Optional[int]
    ) -> Engine:
        """Load the ONNX file `model` of the bundle `where`.

        Raises:
            RuntimeUnavailableError: this runtime is not installed on this machine.
            BundleError: it cannot load the model, or the model has other inputs or outputs.
        """
