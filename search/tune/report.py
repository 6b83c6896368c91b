"""The report of a tuning: one self-contained HTML page, of a finished run or of one that is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from inspector.errors import RunError
from inspector.output_file import write_file
from search.ace.measured import read_lines
from search.ace.outcome import TuningOutcome, outcome_of
from search.report.gallery import GalleryItem, gallery_pictures
from search.report.html import HEADLINE_METRICS, defect_columns, make_environment
from search.report.record import RunRecord, read_record
from search.tune.charts import best_chart, constraint_chart, cost_chart, course_chart
from search.tune.experiment import policy_of, tuning_folder
from search.tune.recipe import CHOICES, TuneRecipe
from search.tune.trial_rows import NAMES, trial_rows, value_text

_SECTIONS = ("retraining", "loss", "defects", "network")


def write_tune_report(run: Path, *, gallery: Sequence[GalleryItem] = ()) -> Path:
    """Write `run`/report.html from what the run folder holds so far, and return its path.

    Raises:
        RunError: the folder is not a run folder of a tuning, or one of its files is damaged.
        StorageError: the page cannot be written; an earlier one stays as it was.
    """
    record = read_record(run)
    settings = _settings(record, run)
    outcome = outcome_of(read_lines(tuning_folder(run).log), policy_of(settings).options)
    page = render_tune_page(record, settings, outcome, gallery=gallery)
    return write_file(run / "report.html", page.encode())


def render_tune_page(
    record: RunRecord, settings: TuneRecipe, outcome: TuningOutcome, *, gallery: Sequence[GalleryItem] = ()
) -> str:
    """Return the page as text."""
    environment = make_environment(Path(__file__).parent)
    environment.filters.update(value=value_text, called=lambda name: NAMES.get(name, name))
    best = outcome.best_feasible
    charts = [course_chart(outcome), best_chart(outcome), cost_chart(outcome)]
    charts += [constraint_chart(outcome, one.name) for one in outcome.options.constraints]
    is_over = bool(outcome.trials) and tuning_is_over(record)
    return environment.get_template("tune_report.html.j2").render(
        record=record,
        result=record.result,
        outcome=outcome,
        settings=settings,
        best=best,
        headline_metrics=HEADLINE_METRICS,
        rows=trial_rows(outcome),
        charts=charts,
        choices=_choices(record, settings, dict(outcome.config_of(best.trial)) if best else {}),
        limits=_limits(outcome),
        by_kind=(record.result.get("tune") or {}).get("failures_by_kind") or {},
        is_over=is_over,
        pictures=gallery_pictures(gallery),
        defect_columns=defect_columns(record.metrics.get("per_defect") or {}),
        notes=tune_notes(record, settings, outcome),
    )


def tuning_is_over(record: RunRecord) -> bool:
    """Return whether the trials are at their end, whatever they found."""
    ends = [event["state"] for event in record.events_of("stage") if event["stage"] == "tuning"]
    return bool(ends) and ends[-1] == "finished"


def tune_notes(record: RunRecord, settings: TuneRecipe, outcome: TuningOutcome) -> list[str]:
    """Return what the report does and does not show, as sentences."""
    lines = [
        "The objective is measured on synthetic defects. It ranks trials; it does not predict the AUPR on "
        "real defects. Images with real defects were looked at once, after everything was chosen.",
        "All trials were measured on the same synthetic samples, drawn by the recipe's own generator from "
        "the validation part of the good photos. The best of many trials looks better on them than it is.",
        "The promoted network learnt from the training part alone; the validation part chose it, the "
        "calibration part chose the threshold.",
    ]
    if settings.constraints.robustness is not None:
        lines.append(
            "The failure rate is about drawn perturbations of the strengths in the recipe. What the camera "
            "on the line does has to be measured there."
        )
    if not outcome.options.evaluates or outcome.options.interval == "adaptive":
        lines.append(
            "The course depends on measured times: the same recipe on another machine evaluates constraints "
            "at other moments and may stop other trials."
        )
    seed = record.result.get("seed", record.recipe.get("seed", "unknown"))
    lines.append(f"This is one run with one seed ({seed}); it says nothing about the spread between seeds.")
    return lines


def _limits(outcome: TuningOutcome) -> list[tuple[str, float | None, float, bool]]:
    """Return (name, value, limit, met) of each constraint, of the best feasible checkpoint or the closest."""
    shown = outcome.best_feasible or outcome.closest
    rows = []
    for one in outcome.options.constraints:
        value = shown.g.get(one.name) if shown else None
        rows.append((one.name, value, one.threshold, value is not None and value <= one.threshold))
    return rows


def _choices(
    record: RunRecord, settings: TuneRecipe, config: Mapping[str, Any]
) -> list[tuple[str, object, object, str]]:
    """Return (name, chosen, the recipe's own value, what was allowed) for everything that was tuned."""
    rows = []
    for name, allowed in settings.space:
        if allowed is not None:
            own = next(
                (record.recipe[s][name] for s in _SECTIONS if name in (record.recipe.get(s) or {})), None
            )
            joint = ", " if name in CHOICES else " to "
            rows.append((name, config.get(name), own, joint.join(f"{value:g}" for value in allowed)))
    return rows


def _settings(record: RunRecord, run: Path) -> TuneRecipe:
    try:
        return TuneRecipe.model_validate(record.recipe.get("tune"))
    except ValidationError as error:
        raise RunError(f"{run} is no tuning: its recipe has no valid section `tune`") from error
