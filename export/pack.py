"""A trained network becomes a bundle: every gate in turn, then one write.

The thresholds, the golden scores and the figures all come from the exported network in the runtime that will
serve it, not from PyTorch.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from export.budget import Budget, NetworkSize
from export.card import card_text
from export.evidence import Evidence, Score, enough_good, gather
from export.layers import layers_of, total_macs
from export.onnx import export_onnx
from export.operators import OPSET, check_operators
from export.parity import check_parity, compare, summary
from export.pictures import golden_frames, preview_png
from export.trained import Trained
from inspector.bundle import Bundle, write_bundle
from inspector.console import Console
from inspector.dataset import read_frame
from inspector.errors import InputError
from inspector.evaluation import evaluate
from inspector.manifest import (
    FP32_TOLERANCE,
    NAME_PATTERN,
    GenesRecord,
    LayerRecord,
    Manifest,
    NetworkRecord,
    ParityRecord,
    ProvenanceRecord,
    ThresholdChoiceRecord,
    ThresholdRecord,
)
from inspector.postprocess import Thresholds, image_score
from inspector.preprocess import frame_to_image, resize_frame
from inspector.reference import reference_of
from inspector.runtime import Runner, open_engine
from inspector.threshold import ThresholdChoice, choose_thresholds


@dataclass(frozen=True)
class _Network:
    """The exported network, past the gates that need no images."""

    model: bytes
    layers: list[LayerRecord]
    size: NetworkSize
    score: Score


def pack(
    trained: Trained,
    out: Path,
    *,
    console: Console,
    name: str | None = None,
    false_reject_budget: float = 0.005,
    threads: int | None = None,
    created: datetime | None = None,
) -> Bundle:
    """Export `trained`, prove it and write it to `out`; the bundle that comes back was read from there.

    Args:
        console: Hears of each gate and its figure, and shows progress.
        name: Of the bundle; by default that of the run.
        false_reject_budget: Largest share of good parts that may be rejected.
        threads: Of the runtime during export; None leaves the choice to it.
        created: Time stamp, UTC; by default now.

    Raises:
        RunError, OperatorError, BudgetError, ParityError: a gate is closed; nothing is written.
        InputError: a name or budget out of range.
        StorageError: `out` cannot be written.
    """
    name = _checked_name(trained.name if name is None else name, given=name is not None)
    network = _export(trained, console=console, threads=threads)
    frames = [resize_frame(read_frame(s.path), size_hw=trained.size_hw) for s in trained.calibration]
    with console.progress(len(frames), "calibrate") as advance:
        scores = [_counted(network.score, advance)(frame) for frame in frames]
    choice = _with_headroom(choose_thresholds(scores, false_reject_budget=false_reject_budget))
    console.say(_thresholds_line(choice))
    if choice.warning:
        console.warn(choice.warning)
    evidence = _gather(trained, network.score, choice.thresholds)
    parity = _prove_parity(trained, network.score, evidence, choice.thresholds)
    console.say(f"parity      {summary(parity)}")
    metrics = _evaluate(trained, network.score, choice.thresholds, console=console)
    manifest = _manifest(
        trained, network, name=name, created=created, choice=choice, parity=parity, metrics=metrics
    )
    write_bundle(
        out,
        manifest=manifest,
        model=network.model,
        golden=golden_frames(evidence, score=network.score),
        reference=reference_of(frames, [image_score(score) for score in scores]),
        card=card_text(manifest, dataset=trained.dataset, num_calibration=len(frames)),
        preview_png=preview_png(
            trained.dataset.test_good or trained.calibration,
            trained.dataset.test_defects,
            score=network.score,
            thresholds=choice.thresholds,
        ),
    )
    bundle = Bundle.open(out)
    worst = Runner.open(bundle, threads=threads).self_test()
    console.say(f"self-test   golden scores differ by {worst:.2g} of {bundle.tolerance['fp32']:.2g}")
    return bundle


def _export(trained: Trained, *, console: Console, threads: int | None) -> _Network:
    model = export_onnx(trained.detector, size_hw=trained.size_hw)
    graph = onnx.load_from_string(model)
    console.say(f"onnx        opset {OPSET}, IR {graph.ir_version}, {len(model) / 1e6:.2f} MB")
    console.say(f"operators   {check_operators(graph)} nodes, all run on TensorRT 8.2")
    layers = layers_of(graph)
    size = NetworkSize(
        parameters=sum(parameter.numel() for parameter in trained.detector.parameters()),
        file_bytes=len(model),
        macs=total_macs(layers),
    )
    console.say(f"size        {Budget().tightened_by(trained.recipe.get('limits', {})).check(size)}")
    engine = open_engine(model, where="the exported network", input_hw=trained.size_hw, threads=threads)

    def score(frame: np.ndarray) -> np.ndarray:
        image = frame_to_image(resize_frame(frame, size_hw=trained.size_hw))
        return engine.infer(image).reshape(trained.size_hw)

    return _Network(model, layers, size, score)


def _gather(trained: Trained, score: Score, thresholds: Thresholds) -> Evidence:
    dataset = trained.dataset
    return gather(
        enough_good(trained.calibration, [*dataset.test_good, *dataset.train]),
        dataset.test_defects,
        size_hw=trained.size_hw,
        score=score,
        thresholds=thresholds,
    )


def _prove_parity(trained: Trained, score: Score, evidence: Evidence, thresholds: Thresholds) -> ParityRecord:
    expected = [_torch_score(trained, frame) for frame in evidence.frames]
    found = [score(frame) for frame in evidence.frames]
    return check_parity(compare(expected, found, thresholds=thresholds, num_damaged=evidence.num_damaged))


def _torch_score(trained: Trained, frame: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        score = trained.detector.score(torch.from_numpy(frame_to_image(frame)))
    return score.float().numpy().reshape(trained.size_hw)


def _evaluate(trained: Trained, score: Score, thresholds: Thresholds, *, console: Console) -> dict[str, Any]:
    """Return the figures on the test part; nothing where there is none."""
    test = trained.dataset.test
    if not test:
        console.say("evaluation  skipped: the data set has no test photos")
        return {}
    with console.progress(len(test), "evaluate") as advance:
        evaluation = evaluate(score, test, size_hw=trained.size_hw, thresholds=thresholds, on_sample=advance)
    figures = evaluation.as_dict()
    shown = ("pixel_aupr", "pixel_auroc", "image_auroc", "false_reject_rate", "miss_rate")
    line = ", ".join(f"{key} {figures[key]:.4f}" for key in shown if figures[key] is not None)
    console.say(f"evaluation  {line}")
    return figures


def _manifest(
    trained: Trained,
    network: _Network,
    *,
    name: str,
    created: datetime | None,
    choice: ThresholdChoice,
    parity: ParityRecord,
    metrics: dict[str, Any],
) -> Manifest:
    when = datetime.now(timezone.utc) if created is None else created.astimezone(timezone.utc)
    spec = trained.spec
    return Manifest(
        name=name,
        version=f"{when:%Y.%m.%d}-{hashlib.sha256(network.model).hexdigest()[:8]}",
        created=f"{when:%Y-%m-%dT%H:%M:%SZ}",
        input_hw=trained.size_hw,
        thresholds=_threshold_record(choice),
        network=NetworkRecord(
            family=spec.family,
            genes=GenesRecord(space=trained.space, digits=spec.digits) if spec.digits else None,
            width=spec.width,
            reconstructor_width=spec.reconstructor_width,
        ),
        parameters=network.size.parameters,
        bytes=len(network.model),
        macs=network.size.macs,
        layers=network.layers,
        metrics=metrics,
        parity=parity,
        provenance=ProvenanceRecord(
            recipe=trained.recipe,
            seed=trained.seed,
            data_fingerprint=trained.fingerprint,
            code_version=trained.code_version,
        ),
    )


def _with_headroom(choice: ThresholdChoice) -> ThresholdChoice:
    """Raise the thresholds by what a device may differ.

    They lie exactly on the score of a good image; without headroom a rounding error there would reject it.
    """
    thresholds = choice.thresholds
    raised = Thresholds(
        fail=min(1.0, thresholds.fail + FP32_TOLERANCE),
        review=min(1.0, thresholds.review + FP32_TOLERANCE),
        min_area_px=thresholds.min_area_px,
    )
    return replace(choice, thresholds=raised)


def _threshold_record(choice: ThresholdChoice) -> ThresholdRecord:
    return ThresholdRecord(
        fail=choice.thresholds.fail,
        review=choice.thresholds.review,
        min_area_px=choice.thresholds.min_area_px,
        how=ThresholdChoiceRecord(
            budget=choice.false_reject_budget,
            false_reject_rate=choice.false_reject_rate,
            interval=choice.interval,
            confidence=choice.confidence,
            num_images=choice.num_images,
            num_needed=choice.num_needed,
            warning=choice.warning,
        ),
    )


def _thresholds_line(choice: ThresholdChoice) -> str:
    low, high = choice.interval
    return (
        f"thresholds  fail {choice.thresholds.fail:.4f}, review {choice.thresholds.review:.4f}, from "
        f"{choice.num_images} good photos; {100 * choice.false_reject_rate:.2f} % of them rejected "
        f"(true share {100 * low:.2f} to {100 * high:.2f} %)"
    )


def _checked_name(name: str, *, given: bool) -> str:
    if not given:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:100] or "bundle"
    if re.match(NAME_PATTERN, name) is None:
        raise InputError(
            f"the name {name!r} must start with a letter or digit and hold only letters, digits, `.`, `_` "
            "and `-`, 100 at most"
        )
    return name


def _counted(score: Score, advance: Callable[..., None]) -> Score:
    def counted(frame: np.ndarray) -> np.ndarray:
        result = score(frame)
        advance()
        return result

    return counted
