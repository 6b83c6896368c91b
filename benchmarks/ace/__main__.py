"""Measures ACE's time to the best baseline's final score on the credit data, hard case, over the budget."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.ace.times import RIVALS, Race, median_budgets, races
from benchmarks.report import print_result, say
from inspector.console import Console
from inspector.errors import InputError
from search.reproduce.credit.cell import CELL_FILE, HARD, Cell, CreditBench, read_cell
from search.reproduce.experiment import Options

TARGET = 0.5


def main() -> None:
    args = _arguments()
    run: Path = args.source or args.run
    if args.source is None:
        _measure(args)
    cells = [read_cell(file) for file in sorted(run.glob(f"work/*/{CELL_FILE}"))]
    found = races([cell for cell in cells if cell], searcher=args.searcher, threshold=HARD)
    if not found:
        raise InputError(f"{run} holds no seed with ACE and {', '.join(RIVALS)} of searcher {args.searcher}")
    _tell(found, json_output=args.json)
    value = median_budgets(found)
    print_result(
        name="ace",
        value=value,
        unit="budgets",
        target=TARGET,
        holds=value <= TARGET,
        searcher=args.searcher,
        budget_s=found[0].budget_s,
        seeds=[asdict(race) for race in found],
        ahead=sum(race.ace_auc is not None and race.ace_auc >= (race.rival_auc or 0.0) for race in found),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ace", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        help="take what a run folder of `reproduce table-4.3` has measured",
    )
    parser.add_argument("--run", type=Path, default=Path("runs/benchmark-ace"), help="folder of an own run")
    parser.add_argument("--searcher", choices=["random", "tpe", "blend"], default="random")
    parser.add_argument("--budget", type=float, default=300.0, help="seconds a policy and seed")
    parser.add_argument("--seeds", default="20,21,22")
    parser.add_argument("--data", type=Path, default=_data(), help="folder of the real data")
    return parser.parse_args()


def _data() -> Path | None:
    folder = os.environ.get("INSPECTOR_DATA")
    return Path(folder) if folder else None


def _measure(args: argparse.Namespace) -> None:
    """Run the policies of one seed after one another, so that they meet the same machine."""
    seeds = tuple(int(seed) for seed in args.seeds.split(","))
    options = Options(preset="cpu", seeds=seeds, budget_s=args.budget, data=args.data)
    bench, console = CreditBench(), Console(json_output=args.json)
    for seed in seeds:
        for policy in (*RIVALS, "ace"):
            folder = args.run / "work" / f"hard-{args.searcher}-{policy}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            cell = Cell(policy, args.searcher, HARD)
            figures: Mapping[str, Any] = bench.measure(
                cell, seed, folder=folder, options=options, console=console
            )
            say(f"seed {seed}  {policy:22} {figures}", json_output=args.json)


def _tell(found: Sequence[Race], *, json_output: bool) -> None:
    for race in found:
        when = "never" if race.seconds is None else f"after {race.seconds:.0f} s"
        say(
            f"seed {race.seed}: best baseline {race.rival} {_percent(race.rival_auc)}; ACE ends at "
            f"{_percent(race.ace_auc)} and was as good {when} of {race.budget_s:.0f} s",
            json_output=json_output,
        )


def _percent(auc: float | None) -> str:
    return "with nothing feasible" if auc is None else f"{auc:.2f} %"


if __name__ == "__main__":
    main()
