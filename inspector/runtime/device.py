"""What an engine that was built here depends on: the GPU, its power mode, the versions of the libraries.

Source: facts/jetson.md, section 5: engines are portable neither across GPUs nor across TensorRT versions.
"""

import ctypes
import subprocess
from dataclasses import dataclass
from typing import Optional, Sequence

from inspector.errors import RuntimeUnavailableError
from inspector.runtime import onnxruntime, tensorrt
from inspector.runtime.cudart import open_cuda

INFER_LIBRARIES = ("libnvinfer.so.8", "libnvinfer.so.10", "libnvinfer.so")
_POWER_COMMAND = ("nvpmodel", "-q")
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Device:
    """`gpu`: compute capability as `sm_53`, empty without CUDA.  `power_mode`: as nvpmodel names it."""

    gpu: str
    power_mode: str
    tensorrt_version: str
    onnxruntime_version: str


def this_device() -> Device:
    """Ask this machine; what it does not have is an empty text."""
    return Device(
        gpu=_gpu(),
        power_mode=_power_mode(),
        tensorrt_version=tensorrt.version() or _infer_version(INFER_LIBRARIES),
        onnxruntime_version=onnxruntime.version(),
    )


def _gpu() -> str:
    cuda = open_cuda()
    if cuda is None:
        return ""
    try:
        major, minor = cuda.compute_capability()
    except RuntimeUnavailableError:  # the library is there, a GPU is not
        return ""
    return f"sm_{major}{minor}"


def _power_mode(command: Sequence[str] = _POWER_COMMAND) -> str:
    try:
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return " ".join(answer.stdout.decode("utf-8", "replace").split())[:200]


def _infer_version(libraries: Sequence[str]) -> str:
    """Ask libnvinfer itself, where its Python module is not installed."""
    for name in libraries:
        library = _load(name)
        if library is not None:
            return str(library.getInferLibVersion())
    return ""


def _load(name: str) -> Optional[ctypes.CDLL]:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
