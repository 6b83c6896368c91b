"""The few calls of the CUDA runtime that a plain TensorRT engine needs, through ctypes: no pycuda.

It has not run on hardware: the tests load a recorded interface in its place.

Source: CUDA Runtime API, "Memory Management", "Stream Management", "Device Management".
"""

import ctypes
import ctypes.util
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from inspector.errors import RuntimeUnavailableError

LIBRARIES = ("libcudart.so", "libcudart.so.10.2", "libcudart.so.11.0", "libcudart.so.12", "libcudart.so.13")
_TO_DEVICE, _TO_HOST = 1, 2
_COMPUTE_MAJOR, _COMPUTE_MINOR = 75, 76


class CudaError(RuntimeUnavailableError):
    """A call of the CUDA runtime failed."""


class CudaRuntime:
    """The first CUDA device of this machine."""

    def __init__(self, library: Any) -> None:
        self._library = library
        library.cudaGetErrorString.restype = ctypes.c_char_p

    def compute_capability(self) -> Tuple[int, int]:
        """Return the GPU's generation, for example (5, 3) for a Jetson Nano."""
        return self._attribute(_COMPUTE_MAJOR), self._attribute(_COMPUTE_MINOR)

    def new_stream(self) -> int:
        """Return a new stream."""
        stream = ctypes.c_void_p()
        self._call("cudaStreamCreate", ctypes.byref(stream))
        return stream.value or 0

    def destroy_stream(self, stream: int) -> None:
        """Give a stream back."""
        self._call("cudaStreamDestroy", ctypes.c_void_p(stream))

    def allocate(self, num_bytes: int) -> int:
        """Return the address of `num_bytes` of device memory."""
        address = ctypes.c_void_p()
        self._call("cudaMalloc", ctypes.byref(address), ctypes.c_size_t(num_bytes))
        return address.value or 0

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call("cudaFree", ctypes.c_void_p(address))

    def to_device(self, address: int, array: np.ndarray, stream: int) -> None:
        """Queue a copy of the contiguous `array` to device memory."""
        self._copy(address, array.ctypes.data, array.nbytes, _TO_DEVICE, stream)

    def to_host(self, array: np.ndarray, address: int, stream: int) -> None:
        """Queue a copy of device memory into the contiguous `array`."""
        self._copy(array.ctypes.data, address, array.nbytes, _TO_HOST, stream)

    def wait(self, stream: int) -> None:
        """Wait until everything that was queued on `stream` is done."""
        self._call("cudaStreamSynchronize", ctypes.c_void_p(stream))

    def _copy(self, target: int, source: int, num_bytes: int, kind: int, stream: int) -> None:
        self._call(
            "cudaMemcpyAsync",
            ctypes.c_void_p(target),
            ctypes.c_void_p(source),
            ctypes.c_size_t(num_bytes),
            ctypes.c_int(kind),
            ctypes.c_void_p(stream),
        )

    def _attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self._call("cudaDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(number), ctypes.c_int(0))
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            text = self._library.cudaGetErrorString(status)
            raise CudaError(f"{name} failed with status {status}: {(text or b'').decode('ascii', 'replace')}")


def open_cuda(libraries: Sequence[str] = LIBRARIES) -> Optional[CudaRuntime]:
    """Return the CUDA runtime of this machine, or None where there is none."""
    for name in libraries:
        try:
            return CudaRuntime(ctypes.CDLL(name))
        except OSError:
            continue
    return None
