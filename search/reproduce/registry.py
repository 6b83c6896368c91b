"""Which tables and figures there are, and where; one is imported only when it is asked for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module

from inspector.errors import InputError
from search.reproduce.experiment import Experiment


@dataclass(frozen=True)
class Entry:
    """Where an experiment is, and what `inspector reproduce --list` says of it."""

    module: str
    name: str
    summary: str


EXPERIMENTS: dict[str, Entry] = {
    "autodd-noise": Entry(
        "search.reproduce.autodd_noise", "AutoDDNoise", "AutoDD with wrong masks and contaminated photos."
    ),
    "figure-2.1": Entry(
        "search.reproduce.figure_2_1", "Figure21", "Risks with clean and noisy labels: is the line kept?"
    ),
    "table-2.1": Entry(
        "search.reproduce.table_2_1", "Table21", "DARTS and ENAS searched with noisy labels, by noisy part."
    ),
    "table-2.3": Entry(
        "search.reproduce.table_2_3", "Table23", "RLL in the search, by noise level, beside ResNet-18."
    ),
    "figure-3.3": Entry(
        "search.reproduce.figure_3_3", "Figure33", "Parallelisms of NASB's search: its time and its cells."
    ),
    "figure-4.4": Entry(
        "search.reproduce.figure_4_4",
        "Figure44",
        "Truncation percentages of ACE under a fairness constraint.",
    ),
    "table-3.2": Entry("search.reproduce.table_3_2", "Table32", "NASB and five rivals on one supernet."),
    "table-3.3": Entry("search.reproduce.table_3_3", "Table33", "NASB's supernets: depth, different cells."),
    "table-4.3": Entry(
        "search.reproduce.table_4_3", "Table43", "ACE and its baselines under a fairness constraint."
    ),
    "table-4.4": Entry(
        "search.reproduce.table_4_4", "Table44", "What ACE's early-stopping choices are worth."
    ),
    "table-4.5": Entry("search.reproduce.table_4_5", "Table45", "ACE's adaptive constraint interval."),
    "table-4.6": Entry("search.reproduce.table_4_6", "Table46", "Geometric and linear intervals."),
    "figure-5.4": Entry(
        "search.reproduce.figure_5_4", "Figure54", "AUPR against parameters: AutoDD and its peers."
    ),
    "table-5.1": Entry("search.reproduce.table_5_1", "Table51", "AutoDD and its peers on real defects."),
    "table-5.2": Entry("search.reproduce.table_5_2", "Table52", "Styles of synthetic defects; joint search."),
    "table-5.3": Entry("search.reproduce.table_5_3", "Table53", "Random search and evolution by fitness."),
    "methods": Entry(
        "search.reproduce.methods", "Methods", "AutoDD and NASB on the same space, for the same time."
    ),
    "rank-correlation": Entry(
        "search.reproduce.rank_correlation",
        "RankCorrelation",
        "Inherited fitness against fitness after training; what raises it.",
    ),
    "styles": Entry(
        "search.reproduce.styles", "Styles", "Real defects found after training on each style of drawn ones."
    ),
}


def open_experiment(name: str) -> Experiment:
    """Return the experiment called `name`.

    Raises:
        InputError: there is none; the nearest name is given.
    """
    entry = EXPERIMENTS.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0.0)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise InputError(f"there is no experiment {name!r}{hint}; `inspector reproduce --list` names all")
    experiment: Experiment = getattr(import_module(entry.module), entry.name)()
    return experiment
