"""What the bundle of a trained network says about itself: its name and its manifest."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from export.deployed import Deployed
from export.proof import Proof
from export.trained import Trained
from inspector.errors import InputError
from inspector.manifest import (
    NAME_PATTERN,
    GenesRecord,
    Manifest,
    NetworkRecord,
    ProvenanceRecord,
    ThresholdChoiceRecord,
    ThresholdRecord,
)
from inspector.threshold import ThresholdChoice


def name_of(trained: Trained, given: str | None) -> str:
    """Return the name of the bundle: the one given, or the run's with other characters replaced.

    Raises:
        InputError: the given name is none that a bundle may have.
    """
    if given is None:
        given = re.sub(r"[^A-Za-z0-9._-]+", "-", trained.name).strip("-._")[:100] or "bundle"
    if re.match(NAME_PATTERN, given) is None:
        raise InputError(
            f"the name {given!r} must start with a letter or digit and hold only letters, digits, `.`, `_` "
            "and `-`, 100 at most"
        )
    return given


def manifest_of(
    trained: Trained,
    deployed: Deployed,
    *,
    name: str,
    created: datetime | None,
    proof: Proof,
) -> Manifest:
    """Collect the manifest of the bundle `name`.

    Args:
        created: Now where it is None. A given time asks for the same bytes from the same run, so what was
            timed during the export is left out.
    """
    network, plan = deployed.network, deployed.plan
    when = datetime.now(timezone.utc) if created is None else created.astimezone(timezone.utc)
    spec = trained.spec
    return Manifest(
        name=name,
        version=f"{when:%Y.%m.%d}-{hashlib.sha256(network.model).hexdigest()[:8]}",
        created=f"{when:%Y-%m-%dT%H:%M:%SZ}",
        input_hw=trained.size_hw,
        thresholds=_threshold_record(proof.calibration.choice),
        network=NetworkRecord(
            family=spec.family,
            genes=GenesRecord(space=trained.space, digits=trained.genes) if trained.genes else None,
            width=spec.width,
            reconstructor_width=spec.reconstructor_width,
        ),
        parameters=network.size.parameters,
        bytes=len(network.model),
        macs=network.size.macs,
        layers=network.layers,
        metrics=proof.metrics if created is None else _without_timing(proof.metrics),
        parity=proof.parity,
        provenance=ProvenanceRecord(
            recipe=_without_place(trained.recipe),
            seed=trained.seed,
            data_fingerprint=trained.fingerprint,
            code_version=trained.code_version,
        ),
        tolerance=proof.tolerance,
        target=plan.target.name,
        precision=plan.precision,
        file_precision=plan.file_precision,
        precision_reason=deployed.reason,
        precision_cost=proof.cost,
        quantization=deployed.quantization,
    )


def _without_timing(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name != "latency_ms_median"}


def _without_place(recipe: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the data lay on this machine: its fingerprint says which they were."""
    data = recipe.get("data", {})
    return {**recipe, "data": {**data, "root": Path(str(data.get("root", ""))).name}}


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
