"""A bundle in the precision of its target: proven, with what it costs, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import export.deployed
from export.calibration import with_agreement
from export.cli import app
from export.deployed import deploy
from export.exported import export_network
from export.int8 import quantize_within_loss
from export.pack import pack
from export.precision_cost import PrecisionError
from export.proof import prove
from export.quantize import FLAVOURS
from export.targets import plan_for
from export.trained import Trained
from inspector.bundle import Bundle
from inspector.console import Console
from inspector.dataset import Sample, read_frame
from inspector.errors import ParityError
from inspector.postprocess import Thresholds, judge
from inspector.runtime import Runner
from inspector.threshold import choose_thresholds
from search.training import feed


def _pack(trained: Trained, out: Path, target: str, precision: str | None = None) -> Bundle:
    plan = plan_for(target, precision=precision)
    return pack(trained, out, console=Console(), plan=plan, threads=1)


def _operators(bundle: Bundle) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(bundle.model_bytes).graph.node}


def test_the_nano_gets_an_fp32_file_proven_at_fp16(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = _pack(trained, tmp_path / "a.bundle", "jetson-nano")
    manifest = bundle.manifest
    assert (manifest.target, manifest.precision, manifest.file_precision) == ("jetson-nano", "fp16", "fp32")
    assert "Cast" not in _operators(bundle)
    assert set(manifest.tolerance) == {"fp32", "fp16"}
    assert manifest.tolerance["fp32"] == 1e-4 < manifest.tolerance["fp16"]
    assert manifest.precision_cost is not None
    assert manifest.precision_cost.measured_on == "test"
    assert abs(manifest.precision_cost.aupr_loss) < 0.005
    out = capsys.readouterr().out
    assert "at FP16: largest difference" in out
    assert "cost        pixel AUPR" in out
    assert "costs" in bundle.card


def test_cuda_gets_an_fp16_file(trained: Trained, tmp_path: Path) -> None:
    bundle = _pack(trained, tmp_path / "a.bundle", "cuda", "fp16")
    assert bundle.manifest.file_precision == "fp16"
    assert "Cast" in _operators(bundle)
    assert Runner.open(bundle, threads=1).self_test() <= bundle.tolerance["fp32"]


@pytest.mark.parametrize(("target", "flavour"), [("cpu", "cpu"), ("jetson-orin", "tensorrt")])
def test_an_int8_bundle_answers_from_its_integers(
    trained: Trained, tmp_path: Path, target: str, flavour: str
) -> None:
    bundle = _pack(trained, tmp_path / "a.bundle", target, "int8")
    manifest = bundle.manifest
    assert manifest.quantization is not None
    assert (manifest.quantization.flavour, manifest.quantization.num_calibration) == (flavour, 32)
    assert (manifest.quantization.num_nodes, manifest.quantization.float_nodes) == (1, [])
    assert set(manifest.tolerance) == {"fp32", "fp16", "int8"}
    assert manifest.parity is not None
    assert manifest.parity.num_verdict_flips == 0
    assert manifest.parity.max > 1e-4  # it is INT8 that was compared
    assert "QuantizeLinear" in _operators(bundle)
    runner = Runner.open(bundle, threads=1)
    for sample in trained.dataset.test:
        assert sample.is_good == (runner.inspect(read_frame(sample.path)).judgement.verdict.value != "FAIL")


@pytest.mark.parametrize(
    ("times_ms", "precision", "reason"),
    [
        (([4.0], [2.0]), "int8", "INT8 takes 2 ms a photo where FP32 takes 4 ms (2.00 times as fast)"),
        (([2.0], [4.0]), "fp32", "INT8 is not faster: 4 ms a photo where FP32 takes 2 ms"),
    ],
)
def test_a_processor_gets_what_is_faster_on_it(
    trained: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times_ms: tuple[list[float], list[float]],
    precision: str,
    reason: str,
) -> None:
    monkeypatch.setattr(export.deployed, "_time_in_turn", lambda *_args, **_options: times_ms)
    manifest = _pack(trained, tmp_path / "a.bundle", "cpu").manifest
    assert manifest.precision == manifest.file_precision == precision
    assert manifest.precision_reason == reason
    assert (manifest.quantization is None) == (precision == "fp32")


def test_fp32_stands_in_where_int8_is_faster_but_gives_other_verdicts(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(*args: Any, **options: Any) -> Any:
        found = deploy(*args, **options)
        return replace(found, answers=lambda frame: 0 * found.network.score(frame))

    monkeypatch.setattr(export.deployed, "_time_in_turn", lambda *_args, **_options: ([4.0], [2.0]))
    monkeypatch.setattr("export.pack.deploy", blind)
    manifest = _pack(trained, tmp_path / "a.bundle", "cpu").manifest
    assert manifest.precision == "fp32"
    assert manifest.precision_reason is not None
    assert manifest.precision_reason.startswith("INT8 is faster, but at INT8 11 of 27 verdicts differ")


def test_another_verdict_is_refused_where_the_precision_was_asked_for(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(*args: Any, **options: Any) -> Any:
        found = deploy(*args, **options)
        return replace(found, answers=lambda frame: 0 * found.network.score(frame))

    monkeypatch.setattr("export.pack.deploy", blind)
    with pytest.raises(ParityError, match=r"at FP16 11 of 27 verdicts differ .* --precision fp32"):
        _pack(trained, tmp_path / "a.bundle", "jetson-nano")
    assert not (tmp_path / "a.bundle").exists()


def test_a_loss_of_aupr_is_refused_although_no_verdict_flips(trained: Trained) -> None:
    """Half of each defect is missed: enough is left to fail the part, but the pixels are wrong."""
    console = Console()
    full = export_network(trained, console=console, threads=1)

    def half_blind(frame: np.ndarray) -> np.ndarray:
        score = full.score(frame).copy()
        score[:14] = 0.0
        return score

    deployed = replace(
        deploy(trained, full, plan_for("jetson-nano"), console=console, threads=1), answers=half_blind
    )
    with pytest.raises(PrecisionError, match=r"FP16 lowers the pixel AUPR from .* \(test photos\)"):
        prove(trained, full, deployed, false_reject_budget=0.005, console=console)


def test_without_test_photos_the_cost_is_measured_on_drawn_defects(
    without_defects: Trained, tmp_path: Path
) -> None:
    few = replace(without_defects, calibration=without_defects.calibration[:8])
    cost = _pack(few, tmp_path / "a.bundle", "jetson-nano").manifest.precision_cost
    assert cost is not None
    assert (cost.measured_on, cost.num_images) == ("synthetic", 32)
    assert 0 < cost.aupr_before <= 1


def test_ranges_and_scan_see_training_and_validation_photos_alone(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a test photo, nor one of the calibration part, from which the thresholds come."""
    read: list[Sample] = []

    def spy(samples: Any, **options: Any) -> Any:
        read.extend(samples)
        return feed.load_frames(samples, **options)

    monkeypatch.setattr("export.trial.load_frames", spy)
    held_out = {sample.name for sample in trained.calibration}
    validation = trained.training[:5]
    model = export_network(trained, console=Console(), threads=1).model
    quantize_within_loss(
        replace(trained, validation=validation), model, flavour=FLAVOURS["cpu"], console=Console()
    )
    assert {sample.name for sample in validation} < {sample.name for sample in read}
    assert {sample.path.parent.as_posix() for sample in read} == {
        (trained.dataset.root / "train" / "good").as_posix()
    }
    assert not held_out & {sample.name for sample in read}


def test_thresholds_of_a_reduced_precision_give_calibration_photos_the_same_verdict() -> None:
    rng = np.random.default_rng(0)
    scores = [np.full((32, 32), value, np.float32) for value in np.linspace(0.1, 0.3, 40)]
    others = [score + np.float32(rng.normal(0, 0.01)) for score in scores]
    choice = choose_thresholds(scores)
    plain, agreed = choice.thresholds, with_agreement(choice, scores, others).thresholds

    def num_flips(thresholds: Thresholds) -> int:
        pairs = zip(scores, others, strict=True)
        return sum(judge(a, thresholds).verdict is not judge(b, thresholds).verdict for a, b in pairs)

    assert num_flips(plain) > 0
    assert num_flips(agreed) == 0
    assert agreed.fail >= plain.fail
    assert plain.review <= agreed.review <= agreed.fail


def test_the_command_refuses_a_precision_that_the_target_lacks(tmp_path: Path) -> None:
    options = ["--target", "jetson-nano", "--precision", "int8", "--out", str(tmp_path / "x.bundle")]
    result = CliRunner().invoke(app, [str(tmp_path), *options])
    assert "does not compute in 'int8'" in str(result.exception)
