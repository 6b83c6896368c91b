"""TensorRT is built beside a serving fallback, proven, cached, and rebuilt when stale or damaged.

TensorRT and CUDA are recorded interfaces here (tests/inspector/recorded): what runs for real is our side of
the calls, the subprocess, the cache and the switch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.errors import InputError, RuntimeUnavailableError
from inspector.runtime import Runner, choice, device, tensorrt
from inspector.runtime.building import BuildingEngine
from inspector.runtime.choice import Installed, candidates
from inspector.runtime.cudart import CudaRuntime
from inspector.runtime.engine_cache import ENTRY
from inspector.verbs.waiting import open_waiting
from tests.inspector.recorded.cuda import RecordedCudart
from tests.tiny_bundle import expected_score, part, write_tiny_bundle

RECORDED = Path(__file__).parent / "recorded"
ALL = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
PATIENCE_S = 60.0


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle.open(write_tiny_bundle(tmp_path / "tiny.bundle"))


@pytest.fixture(params=["8.2.1.8", "10.3.0"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedCudart]:
    """A machine with TensorRT of that version, also for the subprocess that builds."""
    library = RecordedCudart()
    monkeypatch.setenv("RECORDED_TENSORRT", request.param)
    monkeypatch.setenv("PYTHONPATH", f"{RECORDED}:{Path.cwd()}")
    monkeypatch.syspath_prepend(str(RECORDED))
    for module in (choice, device, tensorrt):
        monkeypatch.setattr(module, "open_cuda", lambda: CudaRuntime(library))
    sys.modules.pop("tensorrt", None)
    yield library
    sys.modules.pop("tensorrt", None)


def _built(bundle: Bundle, cache: Path, **options: str) -> Runner:
    """Open with a build, and wait for its end."""
    runner = Runner.open(bundle, threads=1, cache=cache, **options)
    assert isinstance(runner._engine, BuildingEngine)
    assert runner._engine.wait(PATIENCE_S)
    return runner


def test_another_runtime_serves_until_the_engine_is_proven(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "slow")
    monkeypatch.setenv("RECORDED_TENSORRT_GO", str(go))
    runner = Runner.open(bundle, threads=1, cache=tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("onnxruntime-cpu", "building")
    assert "is being built" in runner.status.detail
    frame, _ = part(3, defect=True)
    assert np.allclose(runner.score(frame), expected_score(frame), atol=1e-6)
    go.touch()
    assert isinstance(runner._engine, BuildingEngine)
    assert runner._engine.wait(PATIENCE_S)
    assert (runner.status.name, runner.status.state, runner.name) == ("tensorrt", "ready", "tensorrt")
    cuda.calls.clear()
    assert np.allclose(runner.score(frame), expected_score(frame), atol=1e-6)
    assert cuda.calls == ["cudaMemcpyAsync", "cudaMemcpyAsync", "cudaStreamSynchronize"]


def test_the_second_start_takes_the_engine_from_the_cache(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(bundle, tmp_path / "cache")
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "build")  # a build would fail
    runner = Runner.open(bundle, threads=1, cache=tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("tensorrt", "ready")
    assert runner.self_test() < 1e-5


def test_a_cached_engine_that_does_not_start_leaves_the_fallback(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was an error of the whole start: short of device memory, a line stood still that the CPU could serve.
    _built(bundle, tmp_path / "cache")
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "crash")  # of a build: there is none to be
    cuda.fail = "cudaMalloc"
    runner = _built(bundle, tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("onnxruntime-cpu", "fallback")
    assert "cudaMalloc failed with status 2: out of memory" in runner.status.detail
    assert len(list((tmp_path / "cache").iterdir())) == 1  # the engine itself is good


def test_a_cache_that_cannot_be_read_leaves_the_fallback(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path
) -> None:
    runner = _built(bundle, tmp_path / ("x" * 300))
    assert (runner.status.name, runner.status.state) == ("onnxruntime-cpu", "fallback")
    assert "cannot be written" in runner.status.detail


@pytest.mark.parametrize("damage", ["changed", "cut", "no entry", "extra file"])
def test_a_damaged_cache_is_built_again(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, damage: str
) -> None:
    _built(bundle, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    plan = entry / "engine.plan"
    whole = plan.read_bytes()
    if damage == "changed":
        plan.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "cut":
        plan.write_bytes(whole[:-5])
    elif damage == "no entry":
        (entry / ENTRY).unlink()
    else:
        (entry / "other").touch()
    runner = _built(bundle, tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("tensorrt", "ready")
    assert plan.read_bytes() == whole


def test_an_engine_of_another_version_is_not_used(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(bundle, tmp_path / "cache")
    monkeypatch.setenv("RECORDED_TENSORRT", "8.2.9.9")
    sys.modules.pop("tensorrt", None)
    _built(bundle, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("parse", "UNSUPPORTED_NODE: No importer for Foo"),
        ("build", "could not build an engine"),
        ("crash", "it was killed by signal 9, mostly for lack of memory"),
    ],
)
def test_a_failed_build_leaves_the_fallback_with_the_reason(
    bundle: Bundle,
    cuda: RecordedCudart,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    reason: str,
) -> None:
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", fault)
    runner = _built(bundle, tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("onnxruntime-cpu", "fallback")
    assert reason in runner.status.detail
    assert list((tmp_path / "cache").iterdir()) == []
    frame, _ = part(3, defect=True)
    assert np.allclose(runner.score(frame), expected_score(frame), atol=1e-6)


def test_an_engine_with_other_answers_never_goes_live(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "wrong")
    runner = _built(bundle, tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("onnxruntime-cpu", "fallback")
    assert "the golden scores differ by 0.3" in runner.status.detail
    assert list((tmp_path / "cache").iterdir()) == []


def test_closing_gives_up_the_build(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "slow")
    monkeypatch.setenv("RECORDED_TENSORRT_GO", str(tmp_path / "never"))
    runner = Runner.open(bundle, threads=1, cache=tmp_path / "cache")
    runner.close()
    assert runner.status.state == "fallback"
    assert "was stopped" in runner.status.detail


def test_asked_for_tensorrt_alone_the_start_waits(
    bundle: Bundle, cuda: RecordedCudart, tmp_path: Path
) -> None:
    runner = Runner.open(bundle, threads=1, runtime="tensorrt", cache=tmp_path / "cache")
    assert (runner.status.name, runner.status.state) == ("tensorrt", "ready")


def test_a_verb_waits_for_the_engine(
    bundle: Bundle,
    cuda: RecordedCudart,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # It measured the fallback, then a mixture, and its end killed the build: no verb ever got its engine.
    monkeypatch.setenv("INSPECTOR_ENGINE_CACHE", str(tmp_path / "cache"))
    assert open_waiting(bundle, console=Console(), threads=1).name == "tensorrt"
    assert "the tensorrt engine is being built for this device" in capsys.readouterr().out
    monkeypatch.setenv("INSPECTOR_ENGINE_CACHE", str(tmp_path / "other"))
    monkeypatch.setenv("RECORDED_TENSORRT_FAULT", "build")
    assert open_waiting(bundle, console=Console(), threads=1).name == "onnxruntime-cpu"
    assert "onnxruntime-cpu answers: " in capsys.readouterr().err


def test_no_device_memory_is_told(bundle: Bundle, cuda: RecordedCudart, tmp_path: Path) -> None:
    cuda.fail = "cudaMalloc"
    runner = _built(bundle, tmp_path / "cache")
    assert runner.status.state == "fallback"
    assert "cudaMalloc failed with status 2: out of memory" in runner.status.detail


def test_a_closed_engine_holds_no_device_memory(bundle: Bundle, cuda: RecordedCudart, tmp_path: Path) -> None:
    runner = _built(bundle, tmp_path / "cache")
    assert isinstance(runner._engine, BuildingEngine)
    engine = runner._engine._current
    assert isinstance(engine, tensorrt.TensorRtEngine)
    assert cuda.num_allocated == 2
    engine.close()
    assert cuda.num_allocated == 0


@pytest.mark.parametrize(
    ("found", "runtime", "expected"),
    [
        (Installed(ALL, True, True), "auto", list(choice.OPENERS)),
        (
            Installed(ALL, False, True),
            "auto",
            ["onnxruntime-tensorrt", "onnxruntime-cuda", "onnxruntime-cpu"],
        ),
        (
            Installed(ALL, True, False),
            "auto",
            ["onnxruntime-cpu"],
        ),  # onnxruntime-gpu on a machine without a GPU
        (Installed(ALL[2:], True, True), "auto", ["tensorrt", "onnxruntime-cpu"]),
        (Installed(ALL[1:], False, True), "auto", ["onnxruntime-cuda", "onnxruntime-cpu"]),
        (Installed(ALL, True, True), "tensorrt", ["onnxruntime-tensorrt", "tensorrt"]),
        (Installed(ALL, True, True), "cuda", ["onnxruntime-cuda"]),
        (Installed(ALL, True, True), "cpu", ["onnxruntime-cpu"]),
    ],
)
def test_what_is_there_in_the_order_of_speed(found: Installed, runtime: str, expected: list[str]) -> None:
    assert candidates(found, runtime=runtime) == expected


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(RuntimeUnavailableError, match="no tensorrt runtime is installed"):
        candidates(Installed(ALL[2:], False, False), runtime="tensorrt")
    with pytest.raises(RuntimeUnavailableError, match="no runtime is installed"):
        candidates(Installed((), False, False))
    with pytest.raises(InputError, match="runtime 'gpu' is not known; choose auto, tensorrt, cuda, cpu"):
        candidates(Installed(ALL, True, True), runtime="gpu")
