"""The figures of a tuning: courses of the trials, what was feasible when, constraints, and what r was.

Source: [D] Fig. 4.1 to 4.4.
"""

from __future__ import annotations

import math

from matplotlib.ticker import MaxNLocator

from search.ace.cost import interval_threshold
from search.ace.options import AceOptions
from search.ace.outcome import TuningOutcome
from search.report.figure import BLUE, GREEN, INK, MUTED, ORANGE, VERMILION, Chart, Plot
from search.tune.trial_rows import NAMES, checks_of

_OBJECTIVE = "AUPR, synthetic validation"


def course_chart(outcome: TuningOutcome) -> Chart:
    """Draw the objective of every trial over its iterations, and where its constraints were evaluated."""
    title = "Course of the trials"
    drawn = [trial for trial in outcome.trials if trial.best is not None]
    if not drawn:
        return Chart(title, "No trial has reported yet.")
    plot, best = Plot("course"), outcome.best_feasible
    for trial in drawn:
        points = [(line.iteration, line.objective) for line in trial.lines if line.objective is not None]
        x, y = zip(*points, strict=True)
        chosen = best is not None and trial.trial == best.trial
        colour, width = (BLUE, 2.2) if chosen else (MUTED, 0.8)
        marker = "." if len(x) == 1 else ""  # one point makes no line
        plot.axes.plot(
            x,
            y,
            marker=marker,
            color=colour,
            lw=width,
            alpha=1.0 if chosen else 0.6,
            zorder=3 if chosen else 2,
        )
    for feasible, colour, marker, label in (
        (True, GREEN, "o", "constraints met"),
        (False, VERMILION, "x", "not met"),
    ):
        spots = [
            (check.iteration, _objective_at(outcome, trial.trial, check.iteration))
            for trial in drawn
            for check in checks_of(trial, outcome)
            if check.feasible is feasible
        ]
        known = [(x, y) for x, y in spots if y is not None]
        if known:
            x, y = zip(*known, strict=True)
            plot.axes.scatter(x, y, color=colour, marker=marker, s=28, zorder=4, label=label)
    plot.axes.set(xlabel="iteration", ylabel=_OBJECTIVE)
    plot.axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plot.legend()
    text = (
        f"{len(drawn)} trials, one line each"
        + ("; the blue one holds the best feasible checkpoint" if best is not None else "")
        + ". A line that ends early was stopped. Marks show where constraints were evaluated."
    )
    return Chart(title, text, plot.svg())


def best_chart(outcome: TuningOutcome) -> Chart:
    """Draw the best feasible objective over time."""
    title = "Best feasible so far"
    if not outcome.history:
        return Chart(title, "Nothing feasible was found.")
    plot = Plot("best")
    x = [found.seconds for found in outcome.history]
    y = [found.objective for found in outcome.history]
    plot.axes.step([*x, outcome.seconds], [*y, y[-1]], where="post", color=BLUE, lw=1.8)
    plot.axes.scatter(x, y, color=BLUE, s=20, zorder=3)
    plot.axes.set(xlabel="seconds since the start", ylabel=_OBJECTIVE, xlim=(0, None))
    text = (
        f"First feasible checkpoint after {x[0]:.0f} s with {y[0]:.3f}; the best, {y[-1]:.3f}, after "
        f"{x[-1]:.0f} of {outcome.seconds:.0f} s."
    )
    return Chart(title, text, plot.svg())


def constraint_chart(outcome: TuningOutcome, name: str) -> Chart:
    """Draw every evaluated checkpoint by one constraint's value and its objective, with the limit."""
    title = NAMES.get(name, name)
    limit = next(one.threshold for one in outcome.options.constraints if one.name == name)
    points = [
        (float(value), line.candidate)
        for trial in outcome.trials
        for line in trial.lines
        if line.candidate is not None and (value := line.g.get(name)) is not None
    ]
    if not points:
        return Chart(title, "This constraint was not evaluated.")
    plot = Plot(f"constraint-{name}")
    x, y = zip(*points, strict=True)
    colours = [GREEN if value <= limit else VERMILION for value in x]
    plot.axes.scatter(x, y, c=colours, s=24, edgecolor=INK, linewidth=0.3)
    plot.axes.axvline(limit, color=INK, ls="--", lw=1.2, label=f"at most {limit:g}")
    plot.axes.set(xlabel=title.lower(), ylabel=_OBJECTIVE)
    plot.legend()
    num_met = sum(value <= limit for value in x)
    return Chart(title, f"{num_met} of {len(x)} evaluated checkpoints are at most {limit:g}.", plot.svg())


def cost_chart(outcome: TuningOutcome) -> Chart:
    """Draw r, the cost of an evaluation over that of an iteration, and where Theorem 2 changes beta."""
    title = "Cost ratio r and interval beta"
    lines = [line for trial in outcome.trials for line in trial.lines if line.cost_ratio is not None]
    if not lines:
        return Chart(title, "No cost was measured yet.")
    plot, limit = Plot("cost"), _turning_point(outcome.options)
    for is_one, colour, label in ((True, BLUE, "beta = 1"), (False, ORANGE, "beta = T")):
        spots = [
            (line.seconds, line.cost_ratio)
            for line in lines
            if line.cost_ratio is not None and (line.beta == 1) is is_one
        ]
        if spots:
            x, y = zip(*spots, strict=True)
            plot.axes.scatter(x, y, s=10, color=colour, label=label)
    if math.isfinite(limit):
        plot.axes.axhline(limit, color=INK, ls="--", lw=1.0, label=f"Theorem 2: {limit:.3g}")
    plot.log_y()
    plot.axes.set(xlabel="seconds since the start", ylabel="r = C1 / C2")
    plot.legend()
    ratio = outcome.median_cost_ratio() or 0.0
    text = f"Median r {ratio:.3g}: evaluating the constraints costs that many training iterations. "
    if outcome.options.interval == "adaptive":
        text += (
            f"Below {limit:.3g} they are evaluated at every iteration that may be the best, above it at the "
            "end of a trial."
        )
    return Chart(title, text.strip(), plot.svg())


def _turning_point(options: AceOptions) -> float:
    return interval_threshold(stop_probability=options.truncation, iterations=options.max_iterations)


def _objective_at(outcome: TuningOutcome, trial: str, iteration: int) -> float | None:
    lines = next(one.lines for one in outcome.trials if one.trial == trial)
    return next((line.objective for line in lines if line.iteration == iteration), None)
