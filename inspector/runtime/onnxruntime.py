"""The ONNX Runtime engine, on the CPU.

Only what onnxruntime 1.11 has is called: it is the last version for JetPack 4 (facts/jetson.md, section 2).
"""

from typing import Any, Optional, Tuple

import numpy as np

from inspector.errors import BundleError, RuntimeUnavailableError

INSTALL_COMMAND = 'pip install "visual-inspector[cpu]"'
_ERRORS_ONLY = 3


class OnnxRuntimeCpu:
    """An Engine over one `onnxruntime.InferenceSession`; its `run` may be called from several threads."""

    name = "onnxruntime-cpu"
    precision = "fp32"

    def __init__(self, session: Any) -> None:
        self._session = session

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map float32 (1, 3, H, W) to float32 (1, 1, H, W)."""
        (score,) = self._session.run(["score"], {"image": image})
        return np.asarray(score)


def open_onnxruntime_cpu(
    model: bytes, *, where: str, input_hw: Tuple[int, int], threads: Optional[int]
) -> OnnxRuntimeCpu:
    """Load `model`; errors as `inspector.runtime.engine.OpenEngine` says.

    Args:
        threads: How many threads work on one image; None leaves the choice to onnxruntime.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"no runtime can execute {where}: onnxruntime is not installed; run: {INSTALL_COMMAND}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.inter_op_num_threads = 1
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no public base class of its errors
        raise BundleError(
            f"onnxruntime {onnxruntime.__version__} cannot load model.onnx of {where}: {_first_line(error)}"
        ) from error
    _check_interface(session, where=where, input_hw=input_hw)
    return OnnxRuntimeCpu(session)


def _check_interface(session: Any, *, where: str, input_hw: Tuple[int, int]) -> None:
    found = _describe(session.get_inputs()), _describe(session.get_outputs())
    height, width = input_hw
    expected = f"image [1, 3, {height}, {width}]", f"score [1, 1, {height}, {width}]"
    if found != expected:
        raise BundleError(
            f"model.onnx of {where} must map {expected[0]} to {expected[1]}, "
            f"but maps {found[0]} to {found[1]}; export the network again"
        )


def _describe(values: Any) -> str:
    kinds = {"tensor(float)": ""}
    return ", ".join(f"{value.name} {value.shape}{kinds.get(value.type, value.type)}" for value in values)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__
