"""`inspector inspect`: verdicts and overlays for files, folders and videos."""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

import numpy as np
import typer

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.errors import InputError, InspectorError
from inspector.frames import Shot, shots
from inspector.output_file import write_file
from inspector.postprocess import Region, Verdict
from inspector.render import encode_png, overlay
from inspector.runtime import Runner
from inspector.tiling import Tiles, View, inspect_view
from inspector.verbs.waiting import open_waiting

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Find defects in files, folders and videos."
)


@app.command()
def inspect(
    bundle: Path = typer.Argument(..., help="The bundle: a folder or NAME.bundle."),
    images: List[Path] = typer.Argument(..., metavar="IMAGE...", help="Images, folders, videos."),
    out: Optional[Path] = typer.Option(None, "--out", help="Folder for one overlay a frame."),
    every: int = typer.Option(1, "--every", help="Look at each N-th frame of a video."),
    threads: Optional[int] = typer.Option(None, "--threads", help="Threads of the runtime."),
    runtime: str = typer.Option(
        "auto",
        help="auto takes the fastest that is there; or tensorrt, cuda, cpu. tensorrt waits for its engine.",
    ),
    tiles: Optional[int] = typer.Option(
        None,
        "--tiles",
        metavar="PX",
        help="Cut large photos into overlapping tiles with a shorter side of so many pixels; "
        "0: the network's own size.",
    ),
    tile_overlap: float = typer.Option(0.25, "--tile-overlap", help="Share of it that overlaps, 0 to 0.5."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Find defects in files, folders and videos.

    What cannot be read is reported, the rest goes on; the exit status is then 1 (2 if nothing could be read).

    Example: inspector inspect screws.bundle photos/ --out overlays
    """
    console = Console(json_output=json_output)
    view = None if tiles is None else View(tiles=Tiles(size_px=tiles or None, overlap=tile_overlap))
    runner = open_waiting(Bundle.open(bundle), console=console, threads=threads, runtime=runtime)
    results: List[Dict[str, Any]] = []
    failed: List[Dict[str, str]] = []
    names = _FreeNames(out)
    console.say(f"{'verdict':<8} {'score':>6} {'regions':>7} {'ms':>7}  file")
    for shot in shots(images, every=every, skip=out):
        if shot.frame is None:
            failed.append({"file": shot.name, "error": shot.error})
            console.warn(shot.error)
            continue
        result = _inspect_one(runner, shot, shot.frame, view, names)
        results.append(result)
        console.say(_line(result))
    counts = Counter(result["verdict"] for result in results)
    console.say(_summary(counts, num_failed=len(failed)))
    console.result(
        {
            "bundle": runner.bundle.manifest.name,
            "version": runner.bundle.manifest.version,
            "runtime": runner.name,
            "counts": {verdict.value: counts[verdict.value] for verdict in Verdict},
            "results": results,
            "failed": failed,
        }
    )
    if failed and not results:
        raise InputError(f"none of {len(failed)} photos could be read: {failed[0]['error']}")
    if failed:
        total = len(failed) + len(results)
        raise InspectorError(
            f"{len(failed)} of {total} photos could not be read, for example {failed[0]['file']}"
        )


class _FreeNames:
    """Gives each overlay a name of its own in the output folder."""

    def __init__(self, folder: Optional[Path]) -> None:
        self.folder = folder
        self._taken: Set[str] = set()

    def path_for(self, key: str) -> Optional[Path]:
        if self.folder is None:
            return None
        name, number = key, 1
        while name in self._taken:
            number += 1
            name = f"{key}_{number}"
        self._taken.add(name)
        return self.folder / f"{name}_overlay.png"


def _inspect_one(
    runner: Runner, shot: Shot, frame: np.ndarray, view: Optional[View], names: _FreeNames
) -> Dict[str, Any]:
    inspection = inspect_view(
        runner.score,
        frame,
        view,
        thresholds=runner.bundle.thresholds,
        input_hw=runner.bundle.manifest.input_hw,
    )
    judgement = inspection.layout.to_frame(inspection.judgement)
    path = names.path_for(shot.key)
    if path is not None:
        write_file(path, encode_png(overlay(frame, inspection.score, judgement=judgement)))
    return {
        "file": shot.name,
        "verdict": judgement.verdict.value,
        "score": judgement.image_score,
        "latency_ms": inspection.latency_ms,
        "regions": [_region(region) for region in judgement.regions],
        "overlay": None if path is None else str(path),
    }


def _region(region: Region) -> Dict[str, Any]:
    return {
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "area_px": region.area_px,
        "mean_score": region.mean_score,
        "peak_score": region.peak_score,
        "contour": [list(point) for point in region.contour],
    }


def _line(result: Dict[str, Any]) -> str:
    return (
        f"{result['verdict']:<8} {result['score']:6.3f} {len(result['regions']):7d} "
        f"{result['latency_ms']:7.1f}  {result['file']}"
    )


def _summary(counts: "Counter[str]", *, num_failed: int) -> str:
    verdicts = ", ".join(f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict)
    unreadable = f"; {num_failed} unreadable" if num_failed else ""
    return f"{sum(counts.values())} inspected: {verdicts}{unreadable}"
