"""RECORDED INTERFACE, not TensorRT: the Python API of 8.2 or 10 as its documentation has it, answered by
onnxruntime on the CPU. It proves our calls and our handling of failures, never TensorRT's answers or speed.

RECORDED_TENSORRT=VERSION chooses the API (default 8.2.1.8). RECORDED_TENSORRT_FAULT: `parse`, `build`,
`crash`, `wrong` (other answers), `slow` (builds until RECORDED_TENSORRT_GO exists), `context` (no memory).
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

__version__ = os.environ.get("RECORDED_TENSORRT", "8.2.1.8")
_IS_8 = __version__.startswith("8.2")
_FAULT = os.environ.get("RECORDED_TENSORRT_FAULT", "")


class NetworkDefinitionCreationFlag(IntEnum):
    EXPLICIT_BATCH = 0


class BuilderFlag(IntEnum):
    FP16 = 0
    INT8 = 1
    TF32 = 2


class DataType(IntEnum):
    FLOAT = 0
    HALF = 1


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class Logger:
    WARNING, ERROR = 2, 1

    def __init__(self, severity: int) -> None:
        self.severity = severity


class _Config:
    def __init__(self) -> None:
        self.flags: set[int] = {BuilderFlag.TF32}  # on by default, from Ampere on it has an effect
        self.workspace = 0
        if not _IS_8:
            self.set_memory_pool_limit = self._limit

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "max_workspace_size":
            assert _IS_8, "max_workspace_size is gone in 10"
            name = "workspace"
        object.__setattr__(self, name, value)

    def _limit(self, pool: int, num_bytes: int) -> None:
        assert pool == MemoryPoolType.WORKSPACE
        self.workspace = num_bytes

    def set_flag(self, flag: int) -> None:
        self.flags.add(int(flag))

    def clear_flag(self, flag: int) -> None:
        self.flags.discard(int(flag))


class Builder:
    def __init__(self, logger: Logger) -> None:
        assert isinstance(logger, Logger)

    def create_network(self, flags: int) -> SimpleNamespace:
        assert flags == 1, "8.2 needs an explicit batch"
        return SimpleNamespace(model=b"")

    def create_builder_config(self) -> _Config:
        return _Config()

    def build_serialized_network(self, network: SimpleNamespace, config: _Config) -> memoryview | None:
        assert config.workspace == 256 * 2**20
        while _FAULT == "slow" and not Path(os.environ["RECORDED_TENSORRT_GO"]).exists():
            time.sleep(0.02)
        if _FAULT == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return (
            None
            if _FAULT == "build"
            else memoryview(_head() + bytes(sorted(config.flags)) + b"|" + network.model)
        )


class OnnxParser:
    def __init__(self, network: SimpleNamespace, logger: Logger) -> None:
        self._network = network
        self.num_errors = int(_FAULT == "parse")

    def parse(self, model: bytes) -> bool:
        self._network.model = model
        return self.num_errors == 0

    def get_error(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(desc=lambda: "In node 3 (parseGraph): UNSUPPORTED_NODE: No importer for Foo")


class Runtime:
    def __init__(self, logger: Logger) -> None:
        assert isinstance(logger, Logger)

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        if not plan.startswith(_head()):
            return None  # from another version
        return _engine(plan.split(b"|", 2)[2])


def _head() -> bytes:
    return b"PLAN " + __version__.encode() + b"|"


def _engine(model: bytes) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return _Engine8(session) if _IS_8 else _Engine10(session)


class _Engine8:
    def __init__(self, session: Any) -> None:
        self._session = session
        # Bindings come in the order of the engine, not ours.
        self._values = [*session.get_outputs(), *session.get_inputs()]
        self.num_bindings = len(self._values)

    def get_binding_index(self, name: str) -> int:
        names = [value.name for value in self._values]
        return names.index(name) if name in names else -1

    def get_binding_name(self, index: int) -> str:
        return str(self._values[index].name)

    def get_binding_shape(self, index: int) -> tuple[int, ...]:
        return tuple(self._values[index].shape)

    def get_binding_dtype(self, index: int) -> DataType:
        return _dtype(self._values[index])

    def create_execution_context(self) -> _Context8 | None:
        names = [value.name for value in self._values]
        return None if _FAULT == "context" else _Context8(self._session, names)


class _Engine10:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._values = {value.name: value for value in [*session.get_inputs(), *session.get_outputs()]}
        self.num_io_tensors = len(self._values)

    def get_tensor_name(self, index: int) -> str:
        return list(self._values)[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._values[name].shape)

    def get_tensor_dtype(self, name: str) -> DataType:
        return _dtype(self._values[name])

    def create_execution_context(self) -> _Context10 | None:
        return None if _FAULT == "context" else _Context10(self._session)


def _dtype(value: Any) -> DataType:
    return DataType.FLOAT if value.type == "tensor(float)" else DataType.HALF


class _Context8:
    def __init__(self, session: Any, names: list[str]) -> None:
        self._session = session
        self._names = names

    def execute_async_v2(self, bindings: list[int], stream_handle: int) -> bool:
        addresses = dict(zip(self._names, bindings, strict=True))
        return _execute(self._session, addresses)


class _Context10:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        return _execute(self._session, self._addresses)


def _execute(session: Any, addresses: dict[str, int]) -> bool:
    shape = session.get_inputs()[0].shape
    image = _array(addresses["image"], shape)
    (answer,) = session.run(["score"], {"image": image.copy()})
    _array(addresses["score"], answer.shape)[...] = answer + (0.3 if _FAULT == "wrong" else 0)
    return True


def _array(address: int, shape: Any) -> np.ndarray:
    buffer = (ctypes.c_float * int(np.prod(shape))).from_address(address)
    return np.frombuffer(buffer, np.float32).reshape(shape)
