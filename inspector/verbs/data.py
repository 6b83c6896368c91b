"""`inspector data`: check a folder of images, download public data sets."""

from pathlib import Path
from typing import List, Optional

import typer

from inspector.console import Console
from inspector.data_check import DataReport, check_folder
from inspector.download import SOURCES, download, find_source
from inspector.errors import DatasetError, InputError
from inspector.layouts import survey

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Check a folder of images, download public data sets.",
)
_MOST_SIZES = 5


@app.command()
def info(
    folder: Path = typer.Argument(..., metavar="DIR", help="Folder of images."),
    layout: str = typer.Option("auto", help="auto, mvtec, plain or magnetic_tile."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Say what is in a folder of images and what is wrong with it.

    Exit status 0 when it can be used, with warnings or without; 2 when something must be mended first.

    Example: inspector data info photos/
    """
    console = Console(json_output=json_output)
    found = survey(folder, layout=layout)
    with console.progress(len(found.train) + len(found.test), "images") as advance:
        report = check_folder(found, on_image=advance)
    for line in describe(report):
        console.say(line)
    console.result(report.as_dict())
    if not report.usable:
        num = len(report.errors)
        raise DatasetError(f"{folder} cannot be used yet: {report.errors[0].sentence()}" + _and_more(num - 1))


def _and_more(num: int) -> str:
    return f" (and {num} more of the errors above)" if num else ""


def describe(report: DataReport) -> List[str]:
    """Return the report as lines of text for a person."""
    lines = [f"folder   {report.root}", f"layout   {report.layout}"]
    lines += [
        f"{'images' if i == 0 else '':<8} {n:>6}  {part}" for i, (part, n) in enumerate(report.parts.items())
    ]
    lines.append(f"groups   {report.num_groups:>6}")
    sizes = list(report.sizes.items())
    lines += [
        f"{'sizes' if i == 0 else '':<8} {n:>6}  {width} x {height}"
        for i, ((width, height), n) in enumerate(sizes[:_MOST_SIZES])
    ]
    if len(sizes) > _MOST_SIZES:
        rest = [size for size, _ in sizes[_MOST_SIZES:]]
        widths, heights = [size[0] for size in rest], [size[1] for size in rest]
        span = f"{min(widths)}..{max(widths)} x {min(heights)}..{max(heights)}"
        lines.append(f"{'':<8} {sum(n for _, n in sizes[_MOST_SIZES:]):>6}  {len(rest)} other sizes, {span}")
    lines += [
        f"{'modes' if i == 0 else '':<8} {n:>6}  {mode}" for i, (mode, n) in enumerate(report.modes.items())
    ]
    lines += [f"error    {problem.sentence()}" for problem in report.errors]
    lines += [f"warning  {problem.sentence()}" for problem in report.warnings]
    if not report.errors and not report.warnings:
        lines.append("nothing suspicious found")
    return lines


@app.command("download")
def download_command(
    name: str = typer.Argument(..., metavar="NAME", help=", ".join(source.name for source in SOURCES)),
    out: Path = typer.Option(Path("data"), help="Folder that receives the archive and the unpacked set."),
    url: Optional[str] = typer.Option(None, help="Address of a mirror; the checksum stays the same."),
    accept_licence: bool = typer.Option(
        False, "--accept-licence", help="I have read and accept the licence."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Download a public data set, verify its checksum and unpack it.

    A download that was cut off goes on with the same command.

    Example: inspector data download magnetic-tile --out data --accept-licence
    """
    console = Console(json_output=json_output)
    source = find_source(name)
    console.say(f"{source.title}, {source.size_mb:,} MB")
    console.say(f"licence: {source.licence}")
    if not accept_licence:
        raise InputError(
            f"the licence of {source.name} has to be accepted; run it again with --accept-licence"
        )
    with console.progress(source.size_mb, "MB") as advance:
        shown_mb = 0

        def progress(done: int, total: Optional[int]) -> None:
            nonlocal shown_mb
            if done // 1_000_000 != shown_mb:
                advance(done // 1_000_000 - shown_mb)
                shown_mb = done // 1_000_000

        got = download(source, out, url=url, progress=progress, say=console.say)
    console.say(
        f"{got.num_files:,} files in {got.folder}; next: {source.next_step.format(folder=got.folder)}"
    )
    console.result(
        {
            "name": source.name,
            "folder": str(got.folder),
            "archive": str(got.archive),
            "sha256": got.sha256,
            "verified": got.verified,
            "files": got.num_files,
        }
    )
