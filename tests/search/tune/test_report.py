"""The report of a tuning, from lines as trials measure them: reasons, evaluations, what is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.errors import RunError
from search.ace.measured import Line, append_line
from search.ace.outcome import TuningOutcome, outcome_of
from search.events import EventLog
from search.recipe import Recipe
from search.tune.charts import best_chart, constraint_chart, cost_chart, course_chart
from search.tune.experiment import policy_of, tuning_folder
from search.tune.recipe import TuneRecipe
from search.tune.report import write_tune_report
from search.tune.trial_rows import trial_rows
from tests.conftest import write_mvtec
from tests.search.tune.conftest import tiny_tune

STOP = "its objective is among the worst 1 of 4 reports of stratum no_constraint at iteration 1"
CONFIG = {"learning_rate": 0.003, "batch_size": 4}


def line(trial: str, iteration: int, objective: float | None, **fields: object) -> Line:
    made = Line(
        seconds=10.0 * iteration + 40.0 * (ord(trial) - ord("a")),
        trial=trial,
        iteration=iteration,
        objective=objective,
        beta=1,
        cost_ratio=0.4,
        primary_cost_s=8.0,
        config=CONFIG if iteration == 1 else None,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def checked(trial: str, iteration: int, objective: float, *, robustness: float, **fields: object) -> Line:
    return line(
        trial,
        iteration,
        objective,
        candidate=objective,
        candidate_iteration=iteration,
        g={"robustness": robustness, "false_rejects": 0.0},
        constraint_cost_s=3.0,
        **fields,
    )


LINES = (
    checked("a", 1, 0.10, robustness=0.0),
    checked("a", 2, 0.20, robustness=0.95),
    checked("a", 3, 0.30, robustness=0.5, done=True),
    line("b", 1, 0.05, stopped=STOP),
    line("c", 1, 0.12),
    line("c", 2, None),
    line("c", 3, None, done=True),
    line("d", 1, 0.15),
    Line(170.0, "d", done=True, error="CUDA out of memory"),
    line("e", 1, 0.11),
)


def outcome(lines: Sequence[Line], settings: TuneRecipe) -> TuningOutcome:
    return outcome_of(lines, policy_of(settings).options)


def run_folder(folder: Path, recipe: Recipe, lines: Sequence[Line], *, over: bool) -> Path:
    log = tuning_folder(folder).log
    log.parent.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.as_yaml())
    for one in lines:
        append_line(log, one)
    with EventLog(folder / "events.jsonl") as events:
        events.write("stage", stage="tuning", state="started")
        if over:
            events.write("stage", stage="tuning", state="finished")
    return folder


def test_rows_say_why_each_trial_ended(settings: TuneRecipe) -> None:
    rows = {row.trial: row for row in trial_rows(outcome(LINES, settings))}
    assert rows["a"].ending == "ended at iteration 3"
    assert rows["b"].ending == f"stopped at iteration 1: {STOP}"
    assert rows["c"].ending == "ended at iteration 3; its objective was not a number from iteration 2 on"
    assert rows["d"].ending == "crashed: CUDA out of memory"
    assert rows["e"].ending == "not ended: it was running when this page was written"


def test_rows_say_where_constraints_were_evaluated_and_whether_they_were_met(settings: TuneRecipe) -> None:
    rows = {row.trial: row for row in trial_rows(outcome(LINES, settings))}
    assert [(check.iteration, check.feasible) for check in rows["a"].checks] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    assert rows["b"].checks == ()


def test_charts_say_in_words_what_they_show(settings: TuneRecipe) -> None:
    found = outcome(LINES, settings)
    assert (
        "5 trials, one line each; the blue one holds the best feasible checkpoint" in course_chart(found).text
    )
    assert "First feasible checkpoint after 10 s with 0.100; the best, 0.300" in best_chart(found).text
    assert constraint_chart(found, "robustness").text == "2 of 3 evaluated checkpoints are at most 0.9."
    assert "Median r 0.4" in cost_chart(found).text
    assert all(chart.svg is not None for chart in (course_chart(found), best_chart(found), cost_chart(found)))


def test_charts_of_a_tuning_that_has_measured_nothing_say_so(settings: TuneRecipe) -> None:
    nothing = outcome((), settings)
    charts = [course_chart(nothing), best_chart(nothing), cost_chart(nothing)]
    charts.append(constraint_chart(nothing, "robustness"))
    assert [chart.svg for chart in charts] == [None] * 4


def test_the_page_of_a_running_tuning_says_that_it_is_not_finished(recipe: Recipe, tmp_path: Path) -> None:
    page = write_tune_report(run_folder(tmp_path / "run", recipe, LINES, over=False)).read_text()
    assert "This tuning is not finished." in page
    assert "CUDA out of memory" in page
    assert STOP in page
    again = write_tune_report(tmp_path / "run").read_text()
    assert again == page


def test_the_page_names_the_closest_checkpoint_where_nothing_is_feasible(
    recipe: Recipe, tmp_path: Path
) -> None:
    lines = [checked("a", 1, 0.1, robustness=1.0), checked("b", 1, 0.2, robustness=0.93, done=True)]
    page = write_tune_report(run_folder(tmp_path / "run", recipe, lines, over=True)).read_text()
    assert "No network was promoted." in page
    assert "The closest is iteration 1 of trial b" in page
    assert "Constraints, of the closest checkpoint" in page


def test_values_that_are_no_numbers_are_shown_as_missing(recipe: Recipe, tmp_path: Path) -> None:
    broken = line("a", 1, None, candidate=None, cost_ratio=None)
    page = write_tune_report(run_folder(tmp_path / "run", recipe, [broken], over=False)).read_text()
    assert ">nan<" not in page
    assert "its objective was not a number from iteration 1 on" in page


def test_a_folder_that_is_no_tuning_is_refused(tmp_path: Path) -> None:
    recipe = tiny_tune(write_mvtec(tmp_path / "parts")).model_copy(update={"tune": None})
    folder = run_folder(tmp_path / "run", recipe, (), over=False)
    with pytest.raises(RunError, match="is no tuning: its recipe has no valid section `tune`"):
        write_tune_report(folder)
