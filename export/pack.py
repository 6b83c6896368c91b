"""A trained network becomes a bundle: every gate in turn, then one write.

The thresholds, the golden scores and the figures all come from the exported network in the runtime that will
serve it, not from PyTorch.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from export.card import card_text
from export.deployed import Deployed, deploy, full_precision
from export.evidence import Score
from export.exported import Exported, export_network
from export.latency import check_latency
from export.onnx import Exporter
from export.pictures import golden_frames, preview_png
from export.precision_cost import PrecisionError
from export.proof import Proof, prove
from export.record import manifest_of, name_of
from export.targets import FASTEST, Plan, plan_for
from export.trained import Trained
from inspector.bundle import Bundle, write_bundle
from inspector.console import Console
from inspector.errors import ParityError
from inspector.postprocess import Thresholds
from inspector.runtime import Runner


def pack(
    trained: Trained,
    out: Path,
    *,
    console: Console,
    plan: Plan | None = None,
    name: str | None = None,
    false_reject_budget: float = 0.005,
    threads: int | None = None,
    exporter: Exporter = "torchscript",
    created: datetime | None = None,
) -> Bundle:
    """Export `trained`, prove it and write it to `out`; the bundle that comes back was read from there.

    Args:
        console: Hears of each gate and its figure, and shows progress.
        plan: The target and its precision; by default FP32 for any runtime.
        name: Of the bundle; by default that of the run.
        false_reject_budget: Largest share of good parts that may be rejected.
        threads: Of the runtime during export; None leaves the choice to it.
        exporter: Of the ONNX file; see `export.onnx.export_onnx`.
        created: Time stamp, UTC; by default now.

    Raises:
        RunError, OperatorError, BudgetError, ParityError, PrecisionError: a gate is closed; nothing is
            written.
        InputError: a name or budget out of range.
        StorageError: `out` cannot be written.
    """
    name = name_of(trained, name)
    plan = plan or plan_for("onnx")
    network = export_network(trained, console=console, threads=threads, exporter=exporter)
    limits = trained.recipe.get("limits", {})
    console.say(f"latency     {check_latency(network.layers, limits, target=plan.target.name)}")
    deployed, proof = _proven(
        trained,
        network,
        plan,
        false_reject_budget=false_reject_budget,
        console=console,
        threads=threads,
    )
    manifest = manifest_of(trained, deployed, name=name, created=created, proof=proof)
    score = deployed.network.score
    write_bundle(
        out,
        manifest=manifest,
        model=deployed.network.model,
        golden=golden_frames(proof.evidence, score=score),
        reference=proof.calibration.reference,
        card=card_text(manifest, dataset=trained.dataset, num_calibration=len(trained.calibration)),
        preview_png=_preview(trained, score, proof.calibration.choice.thresholds),
    )
    return _self_tested(out, console=console, threads=threads)


def _proven(
    trained: Trained,
    network: Exported,
    plan: Plan,
    *,
    false_reject_budget: float,
    console: Console,
    threads: int | None,
) -> tuple[Deployed, Proof]:
    """Bring the network to its precision and prove it; where export may choose, FP32 stands in for INT8."""

    def proof_of(deployed: Deployed) -> Proof:
        return prove(trained, network, deployed, false_reject_budget=false_reject_budget, console=console)

    deployed = deploy(trained, network, plan, console=console, threads=threads)
    try:
        return deployed, proof_of(deployed)
    except (PrecisionError, ParityError) as error:
        if plan.precision != FASTEST or deployed.plan.precision == "fp32":
            raise
        deployed = full_precision(network, plan, reason=f"INT8 is faster, but {error}")
        console.say(f"precision   fp32: {deployed.reason}")
    return deployed, proof_of(deployed)


def _preview(trained: Trained, score: Score, thresholds: Thresholds) -> bytes:
    dataset = trained.dataset
    good = dataset.test_good or trained.calibration
    return preview_png(good, dataset.test_defects, score=score, thresholds=thresholds)


def _self_tested(out: Path, *, console: Console, threads: int | None) -> Bundle:
    bundle = Bundle.open(out)
    # Where the golden scores are from: whatever else this machine has is no proof of the file.
    worst = Runner.open(bundle, threads=threads, runtime="cpu").self_test()
    limit = bundle.tolerance[bundle.manifest.file_precision]
    console.say(f"self-test   golden scores differ by {worst:.2g} of {limit:.2g}")
    return bundle
