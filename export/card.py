"""The card of a bundle: what it is, how well it works, where its limits are, in plain words."""

from __future__ import annotations

from inspector.dataset import Dataset
from inspector.manifest import Manifest, ParityRecord

_FIGURES = (
    ("pixel_aupr", "pixel AUPR"),
    ("pixel_auroc", "pixel AUROC"),
    ("pro", "PRO"),
    ("image_auroc", "image AUROC"),
    ("image_ap", "image average precision"),
    ("false_reject_rate", "good parts rejected"),
    ("miss_rate", "defective parts passed"),
)


def card_text(manifest: Manifest, *, dataset: Dataset, num_calibration: int) -> str:
    """Return the card as Markdown."""
    height, width = manifest.input_hw
    network = manifest.network
    genes = f", genes {network.genes.digits} (space {network.genes.space})" if network.genes else ""
    return "\n".join(
        [
            f"# {manifest.name} {manifest.version}",
            "",
            f"Finds defects in photos and paints every defective pixel. Made {manifest.created}.",
            "",
            "## Network",
            "",
            f"Family {network.family}{genes}, width {network.width}, input {height} x {width} pixels.",
            f"{manifest.parameters:,} parameters, {manifest.bytes / 1e6:.3g} MB,",
            f"{manifest.macs / 1e9:.3g} billion multiply-adds a photo.",
            "",
            "## Data",
            "",
            f"Trained on good photos alone: {len(dataset.train)} of them in {dataset.root.name}",
            f"(layout {dataset.layout}), {num_calibration} of which were kept aside for the thresholds.",
            f"Tested on {len(dataset.test_good)} good and {len(dataset.test_defects)} defective photos.",
            "",
            "## Figures on the test photos",
            "",
            *_metric_lines(manifest),
            "",
            "## Thresholds",
            "",
            *_threshold_lines(manifest),
            "",
            "## Same answers as the trained network",
            "",
            _parity_line(manifest.parity),
            *_precision_lines(manifest),
            "",
            "## Limits",
            "",
            "It knows the parts, the light and the camera of its training photos. Another part, lamp, lens",
            "or position needs new good photos and a new search. A defect that is smaller than a pixel of",
            f"the {height} x {width} input cannot be seen. `reference.json` holds brightness, focus and",
            "scores of good parts, to notice when the line has drifted away from them.",
            "",
            "## How to run it",
            "",
            "```",
            "inspector inspect BUNDLE photo.png --out overlays",
            "inspector evaluate BUNDLE DATASET",
            "inspector serve BUNDLE",
            "```",
            "",
        ]
    )


def _metric_lines(manifest: Manifest) -> list[str]:
    found = [(label, manifest.metrics.get(key)) for key, label in _FIGURES]
    if all(value is None for _, value in found):
        return ["Not measured: the data set has no test photos."]
    return ["| figure | value |", "|---|---|"] + [
        f"| {label} | {value:.4f} |" for label, value in found if value is not None
    ]


def _threshold_lines(manifest: Manifest) -> list[str]:
    thresholds, how = manifest.thresholds, manifest.thresholds.how
    low, high = how.interval
    lines = [
        f"FAIL where at least {thresholds.min_area_px} connected pixels of the smoothed score are above",
        f"{thresholds.fail:.4f}, REVIEW where they are above {thresholds.review:.4f}, else PASS.",
        "",
        f"The thresholds come from {how.num_images} good photos that no training has seen, so that at most",
        f"{100 * how.budget:g} % of good parts are rejected. Of those photos",
        f"{100 * how.false_reject_rate:.2f} % are rejected; the true share lies between {100 * low:.2f} %",
        f"and {100 * high:.2f} % (each bound at {100 * how.confidence:g} % confidence).",
    ]
    return [*lines, "", f"**Warning:** {how.warning}"] if how.warning else lines


def _precision_lines(manifest: Manifest) -> list[str]:
    """Say for what it was made, in which precision, and what that costs."""
    lines = ["", f"Made for the target {manifest.target}, precision {manifest.precision.upper()}."]
    if manifest.precision_reason:
        lines.append(f"{manifest.precision_reason}.")
    cost, quantization = manifest.precision_cost, manifest.quantization
    if cost is not None:
        lines += [
            f"This precision costs {cost.aupr_loss:.4f} of pixel AUPR ({cost.aupr_before:.4f} in FP32, "
            f"{cost.aupr_after:.4f} here, on {cost.num_images} {cost.measured_on} photos).",
        ]
    if quantization is not None:
        lines.append(
            f"Of {quantization.num_nodes} convolutions {len(quantization.float_nodes)} stay in float; the "
            f"ranges of the others come from {quantization.num_calibration} good photos and drawn defects."
        )
    return lines


def _parity_line(parity: ParityRecord | None) -> str:
    if parity is None:
        return "Not compared."
    note = f" Note: {parity.note}." if parity.note else ""
    limit = f" (limit {parity.limit:.0e})" if parity.limit < 1 else ""
    return (
        f"No score differs by more than {parity.max:.1e}{limit} on {parity.num_images} "
        f"photos, {parity.num_damaged} of them with a drawn defect, {parity.num_above_threshold} above the "
        "threshold; "
        f"{parity.num_verdict_flips} verdicts differ.{note}"
    )
