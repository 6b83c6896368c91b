"""One cell of the fairness tables: a policy, a searcher, a threshold, a seed; measured once.

Source: [D] Sec. 4.3.2, 4.3.4 to 4.3.6.
Differs from the source: a budget of minutes instead of an hour, two slots instead of four; the first trial is
the search space's initial value for every searcher.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspector.console import Console
from inspector.output_file import write_file
from search.ace.cluster import open_ray
from search.ace.names import SearcherName
from search.ace.options import Constraint
from search.ace.outcome import TuningOutcome
from search.ace.policies import TRUNCATION, make_policy
from search.ace.searchers import make_searcher
from search.ace.tuning import run_tuning
from search.reproduce.credit.data import CreditData, read_credit
from search.reproduce.credit.fairness import EodName
from search.reproduce.credit.workload import (
    CONSTRAINT,
    INITIAL,
    METRIC,
    CreditTrial,
    iterations_of,
    table_4_1,
)
from search.reproduce.experiment import Options

SLOTS = 2
ROUNDS_PER_ITERATION = 5
DEFAULT_BUDGET_S = 300.0
HARD, EASY = 0.25, 0.325
CELL_FILE = "cell.json"


@dataclass(frozen=True)
class Cell:
    """What is measured; two tables that ask for equal cells ask for the same thing."""

    policy: str
    searcher: SearcherName = "random"
    threshold: float = HARD
    eod: EodName = "fairlearn"
    truncation: float = TRUNCATION
    rounds_per_iteration: int = ROUNDS_PER_ITERATION


class CreditBench:
    """Measures cells, with the data read once and one Ray for all of them."""

    def __init__(self) -> None:
        self._open = ExitStack()
        atexit.register(self._open.close)  # an experiment ends with its process
        self._credit: CreditData | None = None

    def credit(self, options: Options) -> CreditData:
        """Return the data.

        Raises:
            DatasetError: they are missing.
        """
        if self._credit is None:
            self._credit = read_credit(options.data)
        return self._credit

    def measure(
        self, cell: Cell, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Any]:
        """Run a cell, or take it from a run folder beside this one that has measured the very same."""
        budget_s = options.budget_s or DEFAULT_BUDGET_S
        identity = {**asdict(cell), "seed": seed, "budget_s": budget_s, "slots": SLOTS}
        shared = _measured_beside(folder, identity)
        if shared is not None:
            console.say(f"{cell.policy}, seed {seed}: the same was measured in {shared}")
            write_file(folder / CELL_FILE, shared.read_bytes())
            return dict(json.loads(shared.read_text())["figures"])
        outcome = self._run(cell, seed, folder=folder, options=options, budget_s=budget_s)
        figures = figures_of(outcome)
        record = {"identity": identity, "figures": figures, "history": history_of(outcome)}
        write_file(folder / CELL_FILE, json.dumps(record, indent=1, allow_nan=False).encode())
        return figures

    def _run(
        self, cell: Cell, seed: int, *, folder: Path, options: Options, budget_s: float
    ) -> TuningOutcome:
        credit = self.credit(options)
        self._open.enter_context(open_ray(slots=SLOTS))
        constraints = [Constraint(CONSTRAINT, cell.threshold)]
        num_instances = len(credit.train.target)
        policy = make_policy(
            cell.policy,
            metric=METRIC,
            mode="max",
            constraints=constraints,
            max_iterations=iterations_of(num_instances, cell.rounds_per_iteration),
            truncation=cell.truncation,
        )
        searcher = make_searcher(
            cell.searcher,
            table_4_1(num_instances),
            metric=METRIC,
            mode="max",
            constraints=constraints,
            seed=seed,
            initial=INITIAL,
        )
        return run_tuning(
            CreditTrial,
            policy,
            searcher,
            budget_s=budget_s,
            folder=folder / "tuning",
            slots=SLOTS,
            data={"credit": credit, "eod": cell.eod, "rounds_per_iteration": cell.rounds_per_iteration},
        )


def figures_of(outcome: TuningOutcome) -> dict[str, Any]:
    """Return what a table shows of a tuning; AUC and shares in percent, None where there is nothing."""
    best = outcome.best_feasible
    share = outcome.share_of_beta_1()
    return {
        "auc": None if best is None else 100.0 * best.objective,
        "seconds_to_best": None if best is None else best.seconds,
        "trials": len(outcome.trials),
        "iterations": sum(trial.iterations for trial in outcome.trials),
        "evaluations": outcome.num_evaluations,
        "beta_1": None if share is None else 100.0 * share,
        "beta_T": None if share is None else 100.0 * (1.0 - share),
        "r": outcome.median_cost_ratio(),
        "seconds": outcome.seconds,
    }


def history_of(outcome: TuningOutcome) -> list[tuple[float, float]]:
    """Return (seconds, best feasible AUC in percent), one pair for each improvement."""
    return [(found.seconds, 100.0 * found.objective) for found in outcome.history]


def _measured_beside(folder: Path, identity: Mapping[str, Any]) -> Path | None:
    """Find the cell in the run folders that lie beside this one: RUN/work/KEY-SEED/cell.json."""
    for file in sorted(folder.resolve().parents[2].glob(f"*/work/*/{CELL_FILE}")):
        if read_cell(file).get("identity") == dict(identity):
            return file
    return None


def read_cell(file: Path) -> Mapping[str, Any]:
    """Return `identity`, `figures` and `history` of a measured cell; nothing where the file is damaged."""
    try:
        cell = json.loads(file.read_text())
    except ValueError:
        return {}
    return cell if isinstance(cell, dict) else {}
