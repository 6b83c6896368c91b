"""`inspector labels`: finds labels that are probably wrong, and applies what a person decided about them."""

from __future__ import annotations

import os
from pathlib import Path

import typer

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in search/cli.py, before torch is loaded

labels_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Find labels that are probably wrong, and apply what you decided about them to a copy.",
)


@labels_app.command()
def check(
    folder: Path = typer.Argument(
        ..., metavar="DIR", help="Photos: class folders, labels.csv, or good ones."
    ),
    out: Path = typer.Option(
        ..., "--out", help="Folder of the check; the same command goes on after a stop."
    ),
    seeds: int = typer.Option(3, min=1, max=20, help="Networks a fold whose agreement counts (classes)."),
    folds: int = typer.Option(5, min=2, max=20, help="Parts that are checked by the others (classes)."),
    margin: float = typer.Option(
        0.2, min=0.0, max=1.0, help="Least lead of a proposed class over the given."
    ),
    most: int = typer.Option(300, min=1, help="Proposals of each kind."),
    budget: float = typer.Option(
        0.005, "--false-rejects", help="Share of good parts that may FAIL, for the table of thresholds."
    ),
    rescore: bool = typer.Option(
        True,
        help="Train again without suspicious good photos, to tell how the scores change; twice the time.",
    ),
    ray_address: str | None = typer.Option(
        None, "--ray-address", help="A running Ray cluster, host:port; without it all runs in this process."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Propose what is probably wrong with the labels of a folder; the folder is only read.

    Writes review.html, where a person accepts or rejects, and patch.jsonl, the same proposals undecided.

    Example: inspector labels check photos/steel --out checks/steel
    """
    from dataclasses import replace

    from inspector.console import Console
    from search.labels.check import CheckOptions, run_check
    from search.labels.jobs import Workers

    console = Console(json_output=json_output)
    plain = CheckOptions()
    options = replace(
        plain,
        classes=replace(plain.classes, num_folds=folds, num_seeds=seeds, min_margin=margin),
        good=replace(plain.good, false_reject_budget=budget, rescore=rescore),
        most=most,
    )
    result = run_check(folder, out, options=options, workers=Workers(ray_address), console=console)
    for kind, number in result["findings"].items():
        console.say(f"{number:>6}  {kind}")
    if not result["findings"]:
        console.say("nothing suspicious found")
    console.say(f"review   {result['page']} (open it in a browser)")
    console.result(result)


@labels_app.command()
def apply(
    patch: Path = typer.Argument(..., metavar="PATCH", help="The reviewed patch, saved from the page."),
    out: Path = typer.Option(..., "--out", help="Folder of the cleaned copy; it must not be there yet."),
    data: Path | None = typer.Option(
        None, "--data", help="The photos, where the patch does not say or they moved."
    ),
    link: bool = typer.Option(False, "--link", help="Symbolic links to unchanged files instead of copies."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would change, write nothing."),
    new_labels: bool = typer.Option(
        False, "--new-labels", help="Let labels that no photo has make new classes."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Write a cleaned copy as a reviewed patch says, with a log; the photos themselves are never changed.

    Take it back with `inspector labels undo NEW`.

    Example: inspector labels apply patch-reviewed.jsonl --out photos/steel-clean
    """
    from inspector.console import Console
    from search.labels.apply import apply_patch

    console = Console(json_output=json_output)
    applied = apply_patch(patch, out, data=data, link=link, dry_run=dry_run, allow_new_labels=new_labels)
    for change in applied.plan.changes:
        moved = "" if change.to == change.file else f"  ->  {change.to}"
        console.say(f"{change.file}: {change.given} -> {change.label}{moved}")
    if applied.plan.num_undecided:
        console.warn(f"{applied.plan.num_undecided} proposals are undecided and change nothing")
    done = "would be written" if dry_run else "written"
    console.say(f"{applied.num_files} files {done} to {out}, {len(applied.plan.changes)} of them changed")
    console.result(applied.as_dict())


@labels_app.command()
def undo(
    copy: Path = typer.Argument(
        ..., metavar="NEW", help="A folder that `inspector labels apply` has written."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Remove a cleaned copy again; what was changed or added in it since stays.

    Example: inspector labels undo photos/steel-clean
    """
    from inspector.console import Console
    from search.labels.apply import undo_apply

    console = Console(json_output=json_output)
    undone = undo_apply(copy)
    for name in undone.kept:
        console.warn(f"kept {copy / name}: it was changed or added since")
    console.say(f"{undone.num_removed} files removed from {copy}")
    console.result({"removed": undone.num_removed, "kept": list(undone.kept)})
