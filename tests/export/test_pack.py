"""A trained network becomes a bundle that answers as it did, or nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from export.cli import _reproducible_time
from export.evidence import draw_defect, enough_good, spread
from export.pack import _self_tested, pack
from export.trained import Trained
from inspector.bundle import Bundle
from inspector.console import Console
from inspector.dataset import decode_frame, read_frame
from inspector.errors import BudgetError, InputError, OperatorError, ParityError, RunError
from inspector.postprocess import Verdict, judge
from inspector.preprocess import to_image
from inspector.runtime import Runner, best
from inspector.runtime.choice import Installed
from search.nets.detector import Detector
from tests.tiny_bundle import write_tiny_bundle

WHEN = datetime(2026, 11, 24, 8, 0, tzinfo=timezone.utc)


def _pack(trained: Trained, out: Path, **options: object) -> Bundle:
    return pack(trained, out, console=Console(), threads=1, created=WHEN, **options)  # type: ignore[arg-type]


def test_the_written_bundle_is_tested_where_its_golden_scores_are_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A workstation's GPU rounds FP32 to TF32: the export failed after the bundle was written.
    all_there = Installed(("CUDAExecutionProvider", "CPUExecutionProvider"), tensorrt=True, cuda=True)
    monkeypatch.setattr(best, "installed", lambda: all_there)
    monkeypatch.setattr(best, "_Plans", None)  # nothing may be built
    bundle = _self_tested(write_tiny_bundle(tmp_path / "tiny.bundle"), console=Console(), threads=1)
    assert bundle.manifest.name == "tiny"


def test_the_bundle_answers_as_the_network_did(trained: Trained, tmp_path: Path) -> None:
    runner = Runner.open(_pack(trained, tmp_path / "parts.bundle"), threads=1)
    for sample in trained.dataset.test:
        frame = read_frame(sample.path)
        with torch.inference_mode():
            expected = trained.detector.score(torch.from_numpy(to_image(frame, size_hw=trained.size_hw)))
        inspection = runner.inspect(frame)
        assert np.abs(inspection.score - expected[0, 0].numpy()).max() < 1e-4
        verdict = judge(expected[0, 0].numpy(), runner.bundle.thresholds).verdict
        assert inspection.judgement.verdict is verdict
        assert sample.is_good or verdict is Verdict.FAIL


def test_the_manifest_says_what_was_done(trained: Trained, tmp_path: Path) -> None:
    manifest = _pack(trained, tmp_path / "parts.bundle").manifest
    assert manifest.name == "bright-parts"
    assert manifest.version.startswith("2026.11.24-")
    assert manifest.created == "2026-11-24T08:00:00Z"
    assert manifest.network.genes is not None
    assert (manifest.network.genes.space, manifest.network.genes.digits) == ("unet", "012" * 6)
    assert manifest.parameters == sum(p.numel() for p in trained.detector.parameters())
    assert manifest.macs == (9 + 6) * 32 * 48
    assert [layer.op for layer in manifest.layers] == ["Conv", "Concat", "Conv", "Sigmoid"]
    assert manifest.metrics["pixel_aupr"] > 0.99
    assert manifest.parity is not None
    assert manifest.parity.num_images == 16 + 3
    assert manifest.parity.num_above_threshold >= 3
    assert manifest.parity.num_damaged == manifest.parity.num_verdict_flips == 0
    assert manifest.thresholds.how.num_images == len(trained.calibration) == 4
    assert manifest.thresholds.how.warning is not None
    assert manifest.provenance.data_fingerprint == trained.dataset.fingerprint()


def test_a_given_time_makes_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    first, second = (_pack(trained, tmp_path / name) for name in ("first.bundle", "second.bundle"))
    assert (tmp_path / "first.bundle").read_bytes() == (tmp_path / "second.bundle").read_bytes()
    assert first.digest == second.digest
    assert "latency_ms_median" not in first.manifest.metrics


def test_no_place_of_this_machine_is_told(trained: Trained, tmp_path: Path) -> None:
    placed = replace(trained, recipe={**trained.recipe, "data": {"root": "/home/ann/parts", "size": 32}})
    manifest = _pack(placed, tmp_path / "placed.bundle").manifest
    assert manifest.provenance.recipe["data"] == {"root": "parts", "size": 32}


@pytest.mark.parametrize(
    ("text", "created"), [(None, None), ("0", "1970-01-01"), ("1764000000", "2025-11-24")]
)
def test_the_time_of_a_reproducible_build(
    monkeypatch: pytest.MonkeyPatch, text: str | None, created: str | None
) -> None:
    if text is None:
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    else:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    found = _reproducible_time()
    assert (found and f"{found:%Y-%m-%d}") == created


def test_a_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH is 'today'"):
        _reproducible_time()


def test_what_lies_beside_the_network(trained: Trained, tmp_path: Path) -> None:
    bundle = _pack(trained, tmp_path / "bundle")
    assert len(bundle.golden) == 4
    peaks = [float(score.max()) for _, score in bundle.golden]
    assert sum(peak > 0.9 for peak in peaks) == 2
    assert sum(peak < 0.1 for peak in peaks) == 2
    assert bundle.reference.num_images == 4
    assert 95 < bundle.reference.brightness.mean < 105
    assert bundle.reference.score.max < bundle.thresholds.fail
    assert decode_frame(bundle.preview_png).shape[1] > 500
    assert "**Warning:** 4 good calibration images cannot show" in bundle.card
    assert "| pixel AUPR | " in bundle.card


def test_every_gate_is_said_with_its_figure(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _pack(trained, tmp_path / "parts.bundle")
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [
        "onnx",
        "operators",
        "size",
        "latency",
        "thresholds",
        "parity",
        "evaluation",
        "self-test",
    ]
    assert "of 0.0001 on 19 images, " in out
    assert "0 verdicts flipped" in out
    assert "million parameters of 1," in out  # the recipe's limit is stricter than 40
    assert "warning: 4 good calibration images" in err


def test_without_defects_some_are_drawn(
    without_defects: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = _pack(without_defects, tmp_path / "parts.bundle").manifest
    assert manifest.metrics == {}
    assert manifest.parity is not None
    assert manifest.parity.num_damaged == 8
    assert manifest.parity.num_images == 18 + 8
    assert manifest.parity.num_above_threshold == 8
    out = capsys.readouterr().out
    assert "8 of them with a drawn defect" in out
    assert "skipped: the data set has no test photos" in out
    assert "Not measured" in Bundle.open(tmp_path / "parts.bundle").card


def test_few_images_are_said(without_defects: Trained, tmp_path: Path) -> None:
    good = without_defects.calibration[:4]
    few = replace(without_defects, calibration=good, dataset=replace(without_defects.dataset, train=good))
    manifest = _pack(few, tmp_path / "parts.bundle").manifest
    assert manifest.parity is not None
    assert manifest.parity.note == "only 4 real images were there, 16 are wanted"


class _Drifting(Detector):
    """Answers otherwise in PyTorch than in the export, as a wrong exporter would."""

    def score(self, image: Tensor) -> Tensor:
        return super().score(image) * 0.999


class _Cubic(nn.Module):
    def forward(self, both: Tensor) -> Tensor:
        return nn.functional.interpolate(both[:, :1], scale_factor=1.0, mode="bicubic")


def _with_nan(trained: Trained) -> Trained:
    with torch.no_grad():
        next(trained.detector.parameters()).fill_(float("nan"))
    return trained


def _with(trained: Trained, **changes: object) -> Trained:
    return replace(trained, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_with_nan, RunError, "not finite numbers"),
        (
            lambda t: _with(t, detector=Detector(t.detector.reconstructor, _Cubic()).eval()),
            OperatorError,
            r"\(Resize\) cannot run on the device: its mode is cubic",
        ),
        (
            lambda t: _with(t, recipe={"limits": {"max_params_m": 1e-6}}),
            BudgetError,
            "million parameters, the limit is 1e-06",
        ),
        (
            lambda t: _with(t, detector=_Drifting(t.detector.reconstructor, t.detector.segmenter).eval()),
            ParityError,
            r"the exported network differs from the trained one by up to 0\.000",
        ),
    ],
    ids=["NaN", "operator", "budget", "parity"],
)
def test_a_closed_gate_leaves_nothing(
    trained: Trained, tmp_path: Path, spoil: object, error: type[Exception], message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=message):
        _pack(spoil(trained), tmp_path / "parts.bundle")  # type: ignore[operator]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "two words", "../up", "a" * 101])
def test_a_name_that_is_none_is_refused(trained: Trained, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="must start with a letter or digit"):
        _pack(trained, tmp_path / "parts.bundle", name=name)


def test_a_budget_out_of_range_is_refused(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"false_reject_budget is 1\.5"):
        _pack(trained, tmp_path / "parts.bundle", false_reject_budget=1.5)


@pytest.mark.parametrize(("count", "expected"), [(10, "abcde"), (5, "abcde"), (2, "bd"), (1, "c"), (0, "")])
def test_spread_is_even(count: int, expected: str) -> None:
    assert "".join(spread(list("abcde"), count)) == expected  # type: ignore[arg-type]


def test_calibration_images_come_first(trained: Trained) -> None:
    good = enough_good(trained.calibration, trained.dataset.train)
    assert tuple(good[:4]) == trained.calibration
    assert len({sample.name for sample in good}) == len(good) == 16


def test_a_drawn_defect_changes_a_part_of_the_frame() -> None:
    frame = np.full((64, 96, 3), 100, np.uint8)
    changed = (draw_defect(frame, seed=1) != frame).any(axis=2).mean()
    assert 0.03 < changed < 0.2
