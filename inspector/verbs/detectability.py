"""`inspector detectability`: the smallest defect that a bundle finds, and where on the part."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import typer

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.dataset import Dataset, open_dataset, read_frame
from inspector.detectability import Detectability, Plan, default_sizes_px, measure, picture
from inspector.detectability.plan import CONTRASTS
from inspector.errors import DatasetError, InputError
from inspector.output_file import write_file
from inspector.render import encode_png
from inspector.verbs.waiting import open_waiting

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="The smallest defect that a bundle finds, and where."
)


@app.command(epilog="Example: inspector detectability screws.bundle data/screws --mm-per-px 0.05 --out found")
def detectability(
    bundle: Path = typer.Argument(..., help="The bundle: a folder or NAME.bundle."),
    data: Path = typer.Argument(..., help="Folder with photos of good parts."),
    layout: str = typer.Option("auto", "--layout", help="auto, mvtec, plain or magnetic_tile."),
    out: Optional[Path] = typer.Option(None, "--out", help="Folder for the picture of the part."),
    sizes: str = typer.Option("", "--sizes", help="Diameters in pixels of the photo, such as 2,4,8."),
    contrasts: str = typer.Option("", "--contrasts", help="Shares of the full range, such as 0.05,0.2."),
    grid: int = typer.Option(6, "--grid", help="Places along the photo's shorter side."),
    photos: int = typer.Option(8, "--photos", min=1, help="Good photos that are used in turn."),
    reliable: float = typer.Option(0.9, "--reliable", min=0.01, max=1.0, help="Share that counts as found."),
    mm_per_px: Optional[float] = typer.Option(None, "--mm-per-px", help="Also say sizes in millimetres."),
    threads: Optional[int] = typer.Option(None, "--threads", help="Threads of the runtime."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Draw round spots on good photos, dark and bright, and count which of them make the part FAIL.

    What it says holds for spots; a scratch of the same width is easier to see, a blurred stain harder.
    """
    console = Console(json_output=json_output)
    if mm_per_px is not None and mm_per_px <= 0:
        raise InputError(f"--mm-per-px is {mm_per_px:g}; a pixel is larger than 0")
    runner = open_waiting(Bundle.open(bundle), console=console, threads=threads, runtime="auto")
    frames, what = _good_photos(open_dataset(data, layout=layout), photos)
    frame_hw = (frames[0].shape[0], frames[0].shape[1])
    plan = Plan(
        sizes_px=_numbers(sizes, "--sizes") or default_sizes_px(frame_hw),
        contrasts=_numbers(contrasts, "--contrasts") or CONTRASTS,
        grid=grid,
    )
    with console.progress(plan.num_spots(frame_hw), "detectability") as advance:
        found = measure(lambda frame: runner.inspect(frame).judgement, frames, plan, on_spot=advance)
    for line in _lines(found, what=what, reliable=reliable, mm_per_px=mm_per_px):
        console.say(line)
    answer = _answer(runner.bundle, found, reliable=reliable, mm_per_px=mm_per_px)
    if out is not None:
        scale = {} if mm_per_px is None else {"unit_per_px": mm_per_px, "unit": "mm"}
        file = write_file(out / "detectability.png", encode_png(picture(found, frames[0], **scale)))  # type: ignore[arg-type]
        console.say(f"wrote {file}")
        answer["picture"] = str(file)
    console.result(answer)


def _good_photos(dataset: Dataset, photos: int) -> Tuple[List[np.ndarray], str]:
    """Return photos of one size, spread over those that trained nothing where there are such."""
    samples, what = (
        (dataset.test_good, "good test photos") if dataset.test_good else (dataset.train, "photos")
    )
    if not samples:
        raise DatasetError(f"{dataset.root} has no photos of good parts")
    places = np.unique(np.linspace(0, len(samples) - 1, min(photos, len(samples))).round().astype(int))
    frames = [read_frame(samples[place].path) for place in places]
    return [frame for frame in frames if frame.shape == frames[0].shape], what


def _numbers(text: str, option: str) -> Tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise InputError(f"{option} is {text!r}, but must be numbers with commas between") from error


def _lines(found: Detectability, *, what: str, reliable: float, mm_per_px: Optional[float]) -> List[str]:
    rejected = f"; {found.num_rejected} more are rejected as they are" if found.num_rejected else ""
    lines = [
        f"{found.num_photos} {what} of {found.frame_hw[1]}x{found.frame_hw[0]}, "
        f"{int(found.drawn.sum())} spots{rejected}",
        "",
        "share of the spots that make the part FAIL:",
        f"{'diameter':>18} " + " ".join(f"{contrast:>9.0%}" for contrast in found.plan.contrasts),
    ]
    for size_px, row in zip(found.plan.sizes_px, found.rates()):
        cells = " ".join(f"{'-' if np.isnan(rate) else f'{rate:.0%}':>9}" for rate in row)
        lines.append(f"{_length(size_px, mm_per_px):>18} {cells}")
    lines.append("")
    for contrast, smallest in zip(found.plan.contrasts, found.smallest_px(reliable=reliable)):
        said = "none of these sizes" if smallest is None else f"from {_length(smallest, mm_per_px)}"
        lines.append(f"contrast {contrast:>4.0%}: {said} on, {reliable:.0%} are found")
    return lines


def _length(size_px: float, mm_per_px: Optional[float]) -> str:
    return f"{size_px:g} px" + ("" if mm_per_px is None else f" ({size_px * mm_per_px:.3g} mm)")


def _answer(
    bundle: Bundle, found: Detectability, *, reliable: float, mm_per_px: Optional[float]
) -> Dict[str, Any]:
    manifest = bundle.manifest
    return {
        "bundle": manifest.name,
        "version": manifest.version,
        "digest": bundle.digest,
        "fail": bundle.thresholds.fail,
        "mm_per_px": mm_per_px,
        **found.as_dict(reliable=reliable),
    }
