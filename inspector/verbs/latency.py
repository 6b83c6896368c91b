"""`inspector latency`: predicted milliseconds of a bundle on a device, layer by layer."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Optional

import typer

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.latency import DeviceProfile, LayerTime, Prediction, open_profile, predict, shipped_names
from inspector.latency.timing import median_ms
from inspector.verbs.waiting import open_waiting

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Predict the latency of a bundle on a device, layer by layer.",
)


@app.command(epilog="Example: inspector latency part.bundle --device jetson-nano")
def latency(
    bundle: Path = typer.Argument(..., help="The bundle: a folder or NAME.bundle."),
    device: str = typer.Option(
        ..., help=f"{', '.join(shipped_names())}, or a file that `inspector profile` wrote on the device."
    ),
    layers: bool = typer.Option(False, "--layers", help="List every layer, not only the kinds."),
    measure: bool = typer.Option(
        False, "--measure", help="Also run the bundle on this machine and show the difference."
    ),
    threads: Optional[int] = typer.Option(None, min=1, help="CPU threads with --measure [default: all]."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Predict the milliseconds of one frame in the network alone: decoding and drawing come on top."""
    console = Console(json_output=json_output)
    profile = open_profile(device)
    opened = Bundle.open(bundle)
    manifest = opened.manifest
    prediction = predict(manifest.layers, profile)
    if profile.precision != manifest.precision:
        console.warn(
            f"the profile is for {profile.precision}, the bundle answers in {manifest.precision}: "
            "the prediction is for the same network in the profile's precision"
        )
    for line in _lines(prediction, every_layer=layers):
        console.say(line)
    low_ms, high_ms = prediction.range_ms
    console.say(
        f"{manifest.name} on {profile.name}: {prediction.total_ms:.2f} ms, "
        f"typically {low_ms:.2f} to {high_ms:.2f} ({profile.basis}: {profile.error_basis})"
    )
    answer = _answer(prediction, profile)
    if measure:
        answer["measured_ms"] = measured = _measured_ms(opened, console=console, threads=threads)
        ratio = prediction.total_ms / measured
        console.say(f"measured on this machine: {measured:.2f} ms; the prediction is {ratio:.2f} of it")
    console.result(answer)


def _measured_ms(bundle: Bundle, *, console: Console, threads: Optional[int]) -> float:
    runner = open_waiting(bundle, console=console, threads=threads)
    frame = bundle.golden_frames[0].frame
    return median_ms(lambda: runner.score(frame), budget_s=2.0)


def _lines(prediction: Prediction, *, every_layer: bool) -> List[str]:
    if every_layer:
        rows = [_layer_row(time) for time in prediction.layers if time.kind is not None]
    else:
        by_kind: Dict[str, List[float]] = defaultdict(list)
        for time in prediction.layers:
            if time.kind is not None:
                by_kind[time.kind].append(time.ms)
        ranked = sorted(by_kind.items(), key=lambda item: -sum(item[1]))
        rows = [f"{sum(times):9.3f}  {kind:<18} {len(times)} layers" for kind, times in ranked]
    return [f"{'ms':>9}  what", *rows, f"{prediction.overhead_ms:9.3f}  {'call':<18}"]


def _layer_row(time: LayerTime) -> str:
    layer = time.layer
    height, width = layer.out_hw or (0, 0)
    shape = f"{layer.in_channels} -> {layer.out_channels} at {height}x{width}"
    return f"{time.ms:9.3f}  {time.kind or '':<18} {shape:<26} {layer.name}"


def _answer(prediction: Prediction, profile: DeviceProfile) -> Dict[str, Any]:
    low_ms, high_ms = prediction.range_ms
    return {
        "device": profile.name,
        "basis": profile.basis,
        "precision": profile.precision,
        "total_ms": round(prediction.total_ms, 4),
        "range_ms": [round(low_ms, 4), round(high_ms, 4)],
        "relative_error": profile.relative_error,
        "overhead_ms": prediction.overhead_ms,
        "layers": [
            {"name": time.layer.name, "op": time.layer.op, "kind": time.kind, "ms": round(time.ms, 6)}
            for time in prediction.layers
            if time.kind is not None
        ],
    }
