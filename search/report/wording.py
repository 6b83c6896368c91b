"""How the report writes numbers and names, and what it says about them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from search.report.record import RunRecord

MISSING = "–"
METRIC_NAMES = {
    "pixel_aupr": "Pixel AUPR",
    "pixel_aupr_dilated": "Pixel AUPR, masks dilated (> 0)",
    "pixel_aupr_eroded": "Pixel AUPR, masks eroded (= 1)",
    "pixel_auroc": "Pixel AUROC",
    "pro": "PRO (to FPR 0.3)",
    "image_auroc": "Image AUROC",
    "image_ap": "Image average precision",
    "latency_ms_median": "Median latency on the search machine, ms",
    "false_reject_rate": "Good parts rejected",
    "miss_rate": "Defective parts missed",
    "num_good": "Good test images",
    "num_defect": "Defective test images",
    "num_unmasked": "Defective images without a mask",
    "good_review_rate": "Good parts to review",
    "defect_review_rate": "Defective parts to review",
    "pixel_metrics": "Pixel figures computed",
}
STAGE_NAMES = {
    "one_shot": "One-shot training",
    "evolution": "Evolution",
    "retraining": "Retraining",
    "evaluation": "Evaluation",
}


NASB_STAGE_NAMES = {"one_shot": "Binary search", "evolution": "Derived networks"}


def stage_names(record: RunRecord) -> dict[str, str]:
    """Return what the stages of a run are called: NASB has others than AutoDD."""
    return {**STAGE_NAMES, **(NASB_STAGE_NAMES if record.recipe.get("method") == "nasb" else {})}


def metric_name(key: str) -> str:
    """Return the name of a metric for people."""
    return METRIC_NAMES.get(key, key.replace("_", " ").capitalize())


def number(value: object) -> str:
    """Return a metric as text: counts whole, figures with three decimals, a dash for None and NaN."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return MISSING
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def millions(count: object) -> str:
    """Return a count in millions: `1.96 M`."""
    if not isinstance(count, (int, float)) or not math.isfinite(count):
        return MISSING
    return f"{count / 1e6:.2f} M"


def duration(seconds: object) -> str:
    """Return a time for people: `48 s`, `12 min 05 s`, `1 h 03 min`."""
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return MISSING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(time: str) -> str:
    """Return an ISO 8601 time in UTC to the minute, as people write it."""
    return f"{time[:10]} {time[11:16]} UTC"


def limit_rows(record: RunRecord) -> list[tuple[str, str, str, str]]:
    """Return (what, value, limit, share of the limit) for every limit that is set."""
    result = record.result
    measured = {
        "max_params_m": ("Parameters", _scaled(result.get("params"), 1e-6), "M"),
        "max_size_mb": ("Size", result.get("size_mb"), "MB"),
        "max_macs_g": ("MACs", result.get("macs_g"), "G"),
        "max_latency_ms": ("Latency, predicted", result.get("latency_ms"), "ms"),
    }
    rows = []
    for key, (what, value, unit) in measured.items():
        limit = record.limits.get(key)
        if not isinstance(limit, (int, float)) or limit <= 0:
            continue
        if isinstance(value, (int, float)):
            rows.append((what, f"{value:.2f} {unit}", f"{limit:g} {unit}", f"{100 * value / limit:.0f} %"))
        else:
            rows.append((what, MISSING, f"{limit:g} {unit}", MISSING))
    return rows


def notes(record: RunRecord) -> list[str]:
    """Return what the report does and does not show, as sentences."""
    lines = [_real_defects(record), _few_images(record.metrics)]
    if record.candidates():
        lines.append(
            "The fitness of a candidate is measured on synthetic defects with weights inherited from the "
            "supernet. It ranks candidates; it does not predict the AUPR on real defects."
        )
    if record.recipe.get("method") == "nasb" and record.candidates():
        lines.append(
            "NASB chose the network by what its operations did to the loss on validation photos. The other "
            "candidates are the strongest operations within ever fewer multiply-adds."
        )
    for event in record.events_of("chance")[-1:]:
        lines.append(
            f"The best candidate's fitness is {event['best']:.3f}; a network that has learnt nothing has "
            f"{event['fitness']:.3f}. The nearer the two, the more the order of candidates is noise."
        )
    if {"pixel_aupr_dilated", "pixel_aupr_eroded"} <= record.metrics.keys():
        lines.append(
            "Pixel AUPR depends on how the masks were resized: the figures for dilated and eroded masks "
            "show by how much."
        )
    seed = record.result.get("seed", record.recipe.get("seed", "unknown"))
    lines.append(f"This is one run with one seed ({seed}); it says nothing about the spread between seeds.")
    lines.append(
        "The size counts the parameters of both networks at 4 bytes each. MACs are not milliseconds: "
        + _latency(record.result)
    )
    return [line for line in lines if line]


def _real_defects(record: RunRecord) -> str:
    if record.stages["evaluation"] == "not started" and not record.finished:
        return "No image with a real defect was looked at so far: all figures are about synthetic defects."
    return (
        "Images with real defects were looked at only in the final evaluation. Training, search and every "
        "choice before it used good images and synthetic defects alone."
    )


def _latency(result: Mapping[str, Any]) -> str:
    latency_ms, device = result.get("latency_ms"), result.get("device") or {}
    if not isinstance(latency_ms, (int, float)) or not device:
        return "the latency on a device has to be measured there."
    return (
        f"{latency_ms:.2f} ms a frame are predicted on {device['name']} ({device['basis']}, typically within "
        f"{100 * device['relative_error']:.0f} %); they have to be measured there."
    )


def _few_images(metrics: Mapping[str, Any]) -> str:
    good, defect = metrics.get("num_good"), metrics.get("num_defect")
    if defect is None:
        return ""
    if defect == 0:
        return "The test set holds no defective image, so how well defects are found could not be measured."
    return (
        f"The evaluation rests on {defect} defective and {good} good images; "
        "the figures of a single defect rest on fewer."
    )


def _scaled(value: object, factor: float) -> float | None:
    return value * factor if isinstance(value, (int, float)) else None
