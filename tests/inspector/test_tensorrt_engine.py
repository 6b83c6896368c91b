"""The plain TensorRT engine by itself: what it accepts, in which arithmetic, and what it gives back.

TensorRT and CUDA are recorded interfaces here, see tests/inspector/recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from inspector.errors import BundleError, RuntimeUnavailableError
from inspector.runtime import tensorrt
from inspector.runtime.cudart import CudaRuntime
from inspector.runtime.engine import Network
from tests.inspector.recorded.cuda import RecordedCudart
from tests.tiny_bundle import SIZE_HW, tiny_model

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture(params=["8.2.1.8", "10.3.0"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedCudart]:
    """A machine with TensorRT of that version."""
    library = RecordedCudart()
    monkeypatch.setenv("RECORDED_TENSORRT", request.param)
    monkeypatch.syspath_prepend(str(RECORDED))
    monkeypatch.setattr(tensorrt, "open_cuda", lambda: CudaRuntime(library))
    sys.modules.pop("tensorrt", None)
    yield library
    sys.modules.pop("tensorrt", None)


def _network(model: onnx.ModelProto | None = None, *, precision: str = "fp32") -> Network:
    data = (model or tiny_model()).SerializeToString()
    return Network(data, where="test", input_hw=SIZE_HW, target_precision=precision)


def _opened(network: Network, folder: Path) -> tensorrt.TensorRtEngine:
    tensorrt.build_plan(network, folder)
    return tensorrt.open_tensorrt(network, threads=None, cache=folder)


@pytest.mark.parametrize(("precision", "flags"), [("fp32", b""), ("fp16", b"\0\2"), ("int8", b"\0\1\2")])
def test_an_fp32_engine_does_not_round_to_tf32(
    cuda: RecordedCudart, tmp_path: Path, precision: str, flags: bytes
) -> None:
    # From Ampere on (Orin) TensorRT rounds FP32 to ten bits unless told not to: other scores by up to 1e-3.
    tensorrt.build_plan(_network(precision=precision), tmp_path)
    assert (tmp_path / tensorrt.PLAN).read_bytes().split(b"|")[1] == flags


def test_another_size_than_the_manifest_says_is_refused(cuda: RecordedCudart, tmp_path: Path) -> None:
    # Its buffers would be those of the manifest, and TensorRT would write behind them.
    network = _network(tiny_model((64, 96)))
    with pytest.raises(
        BundleError, match=r"must map image \[1, 3, 32, 48\] .* but has .*image \[1, 3, 64, 96\]"
    ):
        _opened(network, tmp_path)
    assert cuda.num_allocated == 0


def test_another_name_is_refused(cuda: RecordedCudart, tmp_path: Path) -> None:
    model = tiny_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "photo"
    with pytest.raises(BundleError, match=r"but has .*photo"):
        _opened(_network(model), tmp_path)


def test_an_engine_that_is_let_go_of_leaves_no_memory(cuda: RecordedCudart, tmp_path: Path) -> None:
    # A model that was swapped out is dropped, never closed: each swap leaked its buffers and its stream.
    engine = _opened(_network(), tmp_path)
    engine.infer(np.zeros((1, 3, *SIZE_HW), np.float32))
    assert (cuda.num_allocated, cuda.num_streams) == (2, 1)
    del engine
    assert (cuda.num_allocated, cuda.num_streams) == (0, 0)


def test_half_an_engine_leaves_no_memory(cuda: RecordedCudart, tmp_path: Path) -> None:
    cuda.fail, cuda.num_allowed = "cudaMalloc", 1
    with pytest.raises(RuntimeUnavailableError, match="out of memory"):
        _opened(_network(), tmp_path)
    assert (cuda.num_allocated, cuda.num_streams) == (0, 0)


def test_no_memory_for_a_context_is_told(
    cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "context")
    with pytest.raises(RuntimeUnavailableError, match="no memory left to run test"):
        _opened(_network(), tmp_path)
