"""RECORDED INTERFACE, not CUDA: the calls of libcudart that we make, on host memory."""
# ruff: noqa: N802  the names are CUDA's

from __future__ import annotations

import ctypes
from typing import Any


class RecordedCudart:
    """`fail` names a call that answers status 2, out of memory; cudaMalloc after `num_allowed` buffers."""

    def __init__(self, *, fail: str = "") -> None:
        self.fail = fail
        self.num_allowed = 0
        self.num_streams = 0
        self.calls: list[str] = []
        self._memory: dict[int, Any] = {}
        self.cudaGetErrorString = _ErrorString()

    @property
    def num_allocated(self) -> int:
        return len(self._memory)

    def cudaMalloc(self, address: Any, size: ctypes.c_size_t) -> int:
        if self.fail == "cudaMalloc" and len(self._memory) >= self.num_allowed:
            return self._status("cudaMalloc")
        buffer = ctypes.create_string_buffer(size.value)
        place = ctypes.addressof(buffer)
        self._memory[place] = buffer
        address._obj.value = place
        self.calls.append("cudaMalloc")
        return 0

    def cudaFree(self, address: ctypes.c_void_p) -> int:
        del self._memory[address.value or 0]
        return self._status("cudaFree")

    def cudaMemcpyAsync(
        self, target: Any, source: Any, size: ctypes.c_size_t, kind: ctypes.c_int, stream: Any
    ) -> int:
        assert kind.value in (1, 2)
        device = target if kind.value == 1 else source
        assert device.value in self._memory
        ctypes.memmove(target, source, size.value)
        return self._status("cudaMemcpyAsync")

    def cudaStreamCreate(self, stream: Any) -> int:
        stream._obj.value = 7
        self.num_streams += 1
        return self._status("cudaStreamCreate")

    def cudaStreamDestroy(self, stream: ctypes.c_void_p) -> int:
        assert stream.value == 7
        self.num_streams -= 1
        return self._status("cudaStreamDestroy")

    def cudaStreamSynchronize(self, stream: ctypes.c_void_p) -> int:
        assert stream.value == 7
        return self._status("cudaStreamSynchronize")

    def cudaDeviceGetAttribute(self, value: Any, number: ctypes.c_int, device: ctypes.c_int) -> int:
        value._obj.value = {75: 5, 76: 3}[number.value]
        return self._status("cudaDeviceGetAttribute")

    def _status(self, name: str) -> int:
        self.calls.append(name)
        return 2 if name == self.fail else 0


class _ErrorString:
    restype: Any = None

    def __call__(self, status: int) -> bytes:
        return b"out of memory"
