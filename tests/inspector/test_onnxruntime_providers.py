"""CUDA and TensorRT in onnxruntime: options that version 1.11 knows, and no silent step down to the CPU.

Those providers are not in the onnxruntime here: a recorded session takes the arguments, the CPU answers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from inspector.errors import BundleError, RuntimeUnavailableError
from inspector.runtime import best, choice, engine_build
from inspector.runtime.choice import Installed
from inspector.runtime.engine import Engine, Network
from inspector.runtime.fallback import FallbackEngine
from inspector.runtime.onnxruntime import cuda_options
from tests.tiny_bundle import SIZE_HW, tiny_model

ALL = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
# From libonnxruntime_providers_tensorrt.so of 1.11.0; an unknown name raises there (facts/jetson.md, 5).
KNOWN_TO_1_11 = {
    "device_id",
    "trt_max_workspace_size",
    "trt_max_partition_iterations",
    "trt_min_subgraph_size",
    "trt_fp16_enable",
    "trt_int8_enable",
    "trt_int8_calibration_table_name",
    "trt_int8_use_native_calibration_table",
    "trt_dla_enable",
    "trt_dla_core",
    "trt_dump_subgraphs",
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_engine_decryption_enable",
    "trt_engine_decryption_lib_path",
    "trt_force_sequential_engine_build",
}


class Recorded:
    """What the sessions of this test were asked for; `missing` providers do not start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.providers: list[Any] = []
        self.missing: set[str] = set()
        real = onnxruntime.InferenceSession
        record = self

        class Session:
            def __init__(self, model: bytes, options: Any, providers: list[Any]) -> None:
                record.providers = providers
                self._real = real(model, options, providers=["CPUExecutionProvider"])

            def get_providers(self) -> list[str]:
                names = [item if isinstance(item, str) else item[0] for item in record.providers]
                return [name for name in names if name not in record.missing]

            def __getattr__(self, name: str) -> Any:
                return getattr(self._real, name)

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ALL)
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(monkeypatch)


def _network(target_precision: str) -> Network:
    model = tiny_model().SerializeToString()
    return Network(model, where="test", input_hw=SIZE_HW, target_precision=target_precision)


@pytest.mark.parametrize(
    ("precision", "fp16", "int8"), [("fp32", False, False), ("fp16", True, False), ("int8", True, True)]
)
def test_tensorrt_gets_options_that_1_11_knows(
    recorded: Recorded, tmp_path: Path, precision: str, fp16: bool, int8: bool
) -> None:
    engine = choice.OPENERS["onnxruntime-tensorrt"](_network(precision), threads=None, cache=tmp_path)
    (name, options), (second, _), last = recorded.providers
    assert [name, second, last] == ALL
    assert set(options) <= KNOWN_TO_1_11
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == (fp16, int8)
    assert options["trt_max_workspace_size"] == 256 * 2**20  # the default of 1 GiB exhausts a Nano
    assert options["trt_engine_cache_path"] == str(tmp_path)
    assert (engine.name, engine.precision) == ("onnxruntime-tensorrt", precision)
    assert engine.infer(np.zeros((1, 3, *SIZE_HW), np.float32)).shape == (1, 1, *SIZE_HW)


def test_cuda_computes_in_the_precision_of_the_file(recorded: Recorded, tmp_path: Path) -> None:
    engine = choice.OPENERS["onnxruntime-cuda"](_network("fp16"), threads=None, cache=tmp_path)
    assert (engine.name, engine.precision) == ("onnxruntime-cuda", "fp32")


@pytest.mark.parametrize("name", ["onnxruntime-tensorrt", "onnxruntime-cuda"])
def test_a_provider_that_does_not_start_is_not_replaced_in_silence(
    recorded: Recorded, tmp_path: Path, name: str
) -> None:
    recorded.missing = set(ALL[:2])
    with pytest.raises(RuntimeUnavailableError, match="but it does not start on this machine"):
        choice.OPENERS[name](_network("fp32"), threads=None, cache=tmp_path)


def test_the_next_best_runtime_takes_over(recorded: Recorded, tmp_path: Path) -> None:
    recorded.missing = {ALL[0]}
    engine = choice.open_first(list(choice.OPENERS), _network("fp32"), threads=1, cache=tmp_path)
    assert engine.name == "onnxruntime-cuda"


@pytest.mark.parametrize("error", [BundleError("other scores"), RuntimeError("cuDNN: not supported")])
def test_a_gpu_that_fails_the_golden_test_leaves_the_processor_to_answer(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def prove(engine: Engine) -> float:
        if engine.name == "onnxruntime-cuda":
            raise error
        return 0.0

    monkeypatch.setattr(best, "installed", lambda: Installed(ALL[1:], tensorrt=False, cuda=True))
    found = best.open_best(_network("fp32"), runtime="auto", threads=1, cache=tmp_path, prove=prove)
    assert isinstance(found, FallbackEngine)
    assert (found.status.name, found.status.state) == ("onnxruntime-cpu", "fallback")
    assert str(error) in found.status.detail
    assert found.infer(np.zeros((1, 3, *SIZE_HW), np.float32)).shape == (1, 1, *SIZE_HW)


@pytest.mark.parametrize(
    ("version", "options"),
    [
        ("1.11.0", {"device_id": 0}),
        ("1.17.3", {"device_id": 0}),
        ("1.18.0", {"device_id": 0, "use_tf32": 0}),
        ("1.20.0", {"device_id": 0, "use_tf32": 0}),
        ("2.0.0.dev1", {"device_id": 0, "use_tf32": 0}),
        ("", {"device_id": 0}),
    ],
)
def test_fp32_on_cuda_is_not_rounded_to_tf32(version: str, options: dict[str, int]) -> None:
    assert cuda_options(version) == options


def test_tensorrt_that_took_no_part_of_the_network_is_no_engine(recorded: Recorded, tmp_path: Path) -> None:
    # onnxruntime then computes everything on CUDA and says nothing.
    with pytest.raises(BundleError, match="TensorRT took no part of the network"):
        engine_build.BUILDERS["onnxruntime-tensorrt"](_network("fp32"), tmp_path)


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "0"), ("fp16", None), ("int8", None)])
def test_an_fp32_engine_is_built_without_tf32(
    precision: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    assert engine_build.environment_of(_network(precision)).get("NVIDIA_TF32_OVERRIDE") == expected
