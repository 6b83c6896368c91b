"""The ONNX Runtime engines: CPU, CUDA, and TensorRT as an execution provider of ONNX Runtime.

Only what onnxruntime 1.11 has is called: it is the last version for JetPack 4 (facts/jetson.md, section 2).
The CUDA and TensorRT providers have not run on hardware: the tests record their calls and let the CPU answer.

Source: facts/jetson.md, section 5 (the option names that 1.11 knows; an unknown one raises).
"""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from inspector.errors import BundleError, RuntimeUnavailableError
from inspector.runtime.engine import Network
from inspector.runtime.workspace import WORKSPACE_MB

INSTALL_COMMAND = 'pip install "visual-inspector[cpu]"'
CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
_NAMES = {CPU: "onnxruntime-cpu", CUDA: "onnxruntime-cuda", TENSORRT: "onnxruntime-tensorrt"}
_ERRORS_ONLY = 3
_KNOWS_TF32 = (1, 18)  # microsoft/onnxruntime#19426

Provider = Union[str, Tuple[str, Dict[str, Any]]]


class OnnxRuntimeEngine:
    """An Engine over one `onnxruntime.InferenceSession`; its `run` may be called from several threads."""

    def __init__(self, session: Any, *, name: str, precision: str) -> None:
        self._session = session
        self.name = name
        self.precision = precision

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map float32 (1, 3, H, W) to float32 (1, 1, H, W)."""
        (score,) = self._session.run(["score"], {"image": image})
        return np.asarray(score)


def open_onnxruntime_cpu(network: Network, *, threads: Optional[int], cache: Path) -> OnnxRuntimeEngine:
    """Load `network` on the CPU; errors as `inspector.runtime.engine.OpenEngine` says.

    Args:
        threads: How many threads work on one image; None leaves the choice to onnxruntime.
    """
    return _open(network, [CPU], precision=network.precision, threads=threads)


def open_onnxruntime_cuda(network: Network, *, threads: Optional[int], cache: Path) -> OnnxRuntimeEngine:
    """Load `network` on the first CUDA device; it computes in the precision of the file."""
    return _open(
        network, [(CUDA, cuda_options(version())), CPU], precision=network.precision, threads=threads
    )


def open_onnxruntime_tensorrt(network: Network, *, threads: Optional[int], cache: Path) -> OnnxRuntimeEngine:
    """Load `network` with TensorRT engines kept in the folder `cache`; building one takes minutes."""
    return _open(
        network,
        [(TENSORRT, tensorrt_options(network.target_precision, cache)), (CUDA, cuda_options(version())), CPU],
        precision=network.target_precision,
        threads=threads,
    )


def cuda_options(onnxruntime_version: str) -> Dict[str, Any]:
    """Return the options of the CUDA provider that this version knows.

    FP32 stays FP32: from Ampere on it is rounded to TF32, ten bits, unless told not to.
    """
    number = tuple(int(part) for part in onnxruntime_version.split(".")[:2] if part.isdigit())
    return {"device_id": 0, "use_tf32": 0} if number >= _KNOWS_TF32 else {"device_id": 0}


def tensorrt_options(precision: str, cache: Path) -> Dict[str, Any]:
    """Return the options of the TensorRT provider, all of them known to onnxruntime 1.11."""
    return {
        "device_id": 0,
        "trt_max_workspace_size": WORKSPACE_MB * 2**20,
        "trt_fp16_enable": precision != "fp32",
        "trt_int8_enable": precision == "int8",
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(cache),
    }


def available_providers() -> Sequence[str]:
    """Return the execution providers of the installed onnxruntime; none where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return ()
    return tuple(onnxruntime.get_available_providers())


def version() -> str:
    """Return the installed version, or an empty text."""
    try:
        import onnxruntime
    except ImportError:
        return ""
    return str(onnxruntime.__version__)


def _open(
    network: Network, providers: List[Provider], *, precision: str, threads: Optional[int]
) -> OnnxRuntimeEngine:
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"no runtime can execute {network.where}: onnxruntime is not installed; run: {INSTALL_COMMAND}"
        ) from error
    wanted = providers[0] if isinstance(providers[0], str) else providers[0][0]
    if wanted not in onnxruntime.get_available_providers():
        raise RuntimeUnavailableError(
            f"onnxruntime {onnxruntime.__version__} on this machine has no {wanted}; "
            "install the build for it, onnxruntime-gpu"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.inter_op_num_threads = 1
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(network.model, options, providers=providers)
    except Exception as error:  # onnxruntime has no public base class of its errors
        raise BundleError(
            f"onnxruntime {onnxruntime.__version__} cannot load model.onnx of {network.where}: "
            f"{_first_line(error)}"
        ) from error
    if session.get_providers()[0] != wanted:  # it goes on with the next one where a library is missing
        raise RuntimeUnavailableError(
            f"onnxruntime {onnxruntime.__version__} knows {wanted}, but it does not start on this machine; "
            "are CUDA, cuDNN and TensorRT of the versions that this build wants?"
        )
    _check_interface(session, network)
    return OnnxRuntimeEngine(session, name=_NAMES[wanted], precision=precision)


def _check_interface(session: Any, network: Network) -> None:
    found = _describe(session.get_inputs()), _describe(session.get_outputs())
    height, width = network.input_hw
    expected = f"image [1, 3, {height}, {width}]", f"score [1, 1, {height}, {width}]"
    if found != expected:
        raise BundleError(
            f"model.onnx of {network.where} must map {expected[0]} to {expected[1]}, "
            f"but maps {found[0]} to {found[1]}; export the network again"
        )


def _describe(values: Any) -> str:
    kinds = {"tensor(float)": ""}
    return ", ".join(f"{value.name} {value.shape}{kinds.get(value.type, value.type)}" for value in values)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__
