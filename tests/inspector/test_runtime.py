"""A bundle answers the same through the Runner as on paper, from any thread, or says why it cannot."""

from __future__ import annotations

import builtins
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from inspector.bundle import Bundle, GoldenFrame, write_bundle
from inspector.errors import BundleError, InputError, RuntimeUnavailableError
from inspector.postprocess import Thresholds, Verdict
from inspector.runtime import Runner
from tests.tiny_bundle import (
    SIZE_HW,
    expected_score,
    part,
    tiny_golden,
    tiny_manifest,
    tiny_model,
    write_tiny_bundle,
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner.open(Bundle.open(write_tiny_bundle(tmp_path / "tiny.bundle")), threads=1)


def _with(
    tmp_path: Path, *, model: bytes | None = None, golden: list[GoldenFrame] | None = None, **changes: Any
) -> Bundle:
    sound = Bundle.open(write_tiny_bundle(tmp_path / "sound"))
    data = sound.model_bytes if model is None else model
    path = write_bundle(
        tmp_path / "changed",
        manifest=tiny_manifest(data, **changes),
        model=data,
        golden=tiny_golden() if golden is None else golden,
        reference=sound.reference,
        card=sound.card,
        preview_png=sound.preview_png,
    )
    return Bundle.open(path)


def test_score_is_the_networks(runner: Runner) -> None:
    frame, _ = part(3, defect=True)
    score = runner.score(frame)
    assert score.shape == SIZE_HW
    assert score.dtype == np.float32
    assert np.allclose(score, expected_score(frame), atol=1e-6)


def test_a_frame_of_another_size_is_resized(runner: Runner) -> None:
    frame, _ = part(3, defect=True)
    large = cv2.resize(frame, (SIZE_HW[1] * 4, SIZE_HW[0] * 4), interpolation=cv2.INTER_NEAREST)
    assert np.allclose(runner.score(large), expected_score(frame), atol=1e-6)


def test_verdicts(runner: Runner) -> None:
    assert runner.inspect(part(1, defect=False)[0]).judgement.verdict is Verdict.PASS
    failed = runner.inspect(part(2, defect=True)[0])
    assert failed.judgement.verdict is Verdict.FAIL
    assert failed.latency_ms > 0
    high = Thresholds(fail=1.0, review=0.5, min_area_px=4)
    assert runner.inspect(part(2, defect=True)[0], thresholds=high).judgement.verdict is Verdict.REVIEW


def test_name_and_bundle_are_there(runner: Runner) -> None:
    assert runner.name == "onnxruntime-cpu"
    assert runner.bundle.manifest.name == "tiny"


def test_self_test_measures_the_difference(runner: Runner) -> None:
    assert runner.self_test() <= 1e-6


def test_self_test_refuses_other_answers(tmp_path: Path) -> None:
    golden = [GoldenFrame(pair.frame, pair.score + np.float32(2e-4)) for pair in tiny_golden()]
    with pytest.raises(BundleError, match=r"golden scores differ by 0\.0002, the limit is 0\.0001"):
        Runner.open(_with(tmp_path, golden=golden)).self_test()


def test_self_test_needs_a_tolerance_of_its_precision(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="states no tolerance for fp32"):
        Runner.open(_with(tmp_path, precision="fp16", tolerance={"fp16": 0.1})).self_test()


def test_threads_get_the_same_answers(runner: Runner) -> None:
    frames = [part(seed, defect=seed % 2 == 0)[0] for seed in range(32)]
    alone = [runner.score(frame) for frame in frames]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(runner.score, frames))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_threads_below_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="threads is 0"):
        Runner.open(Bundle.open(write_tiny_bundle(tmp_path / "tiny")), threads=0)


def test_a_missing_runtime_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_onnxruntime(name: str, *rest: Any, **more: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real_import(name, *rest, **more)

    bundle = Bundle.open(write_tiny_bundle(tmp_path / "tiny"))
    monkeypatch.setattr(builtins, "__import__", without_onnxruntime)
    with pytest.raises(RuntimeUnavailableError, match=r'run: pip install "visual-inspector\[cpu\]"'):
        Runner.open(bundle)


def test_a_model_that_does_not_load_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(BundleError, match=r"cannot load model\.onnx of .*NoSuchOperator"):
        Runner.open(_with(tmp_path, model=model.SerializeToString()))


def test_a_model_with_other_names_is_refused(tmp_path: Path) -> None:
    model: onnx.ModelProto = tiny_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"
    with pytest.raises(BundleError, match=r"maps picture \[1, 3, 32, 48\] to score"):
        Runner.open(_with(tmp_path, model=model.SerializeToString()))


def test_a_model_of_another_size_is_refused(tmp_path: Path) -> None:
    bundle = _with(tmp_path, model=tiny_model((16, 16)).SerializeToString())
    with pytest.raises(
        BundleError, match=r"must map image \[1, 3, 32, 48\] .* but maps image \[1, 3, 16, 16\]"
    ):
        Runner.open(bundle)
