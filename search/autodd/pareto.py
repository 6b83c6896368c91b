"""The archive of a search: every candidate that nothing else beats in fitness and in all costs.

Source: Pareto dominance; [D] keeps the best candidate alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from search.events import EventLog, latest

COSTS = ("macs_g", "size_mb", "latency_ms")


@dataclass(frozen=True)
class Point:
    """A candidate of the archive.

    number: What `--pick` takes, from 1, the fewest multiply-adds first.
    fronts: The costs for which nothing has as much fitness at less, so that a plot of it has the point on
        its edge. Empty for a compromise between costs.
    latency_ms: Predicted, where the run's limits name a device.
    """

    number: int
    genes: str
    fitness: float
    params: int
    size_mb: float
    macs_g: float
    latency_ms: float | None
    fronts: tuple[str, ...]

    def cost(self, name: str) -> float:
        """Return one of `COSTS` as a number; NaN where it was not predicted."""
        value = getattr(self, name)
        return math.nan if value is None else float(value)

    def as_dict(self) -> dict[str, Any]:
        record: dict[str, Any] = dict(vars(self), fronts=list(self.fronts))
        if self.latency_ms is None:
            del record["latency_ms"]
        return record


def archive(candidates: Sequence[dict[str, Any]]) -> list[Point]:
    """Return the points of the archive, out of the `candidate` events of a run.

    A candidate that was dropped before its evaluation ended has no fitness and cannot be a point. Of
    candidates that are equal in everything the first in the order of genes stands for all.
    """
    whole = [event for event in candidates if _is_number(event["fitness"])]
    if not whole:
        return []
    costs = [name for name in COSTS if all(name in event for event in whole)]
    order = sorted(whole, key=lambda event: (event["macs_g"], -event["fitness"], event["genes"]))
    values = np.array([[-event["fitness"], *(event[name] for name in costs)] for event in order])
    fronts = {name: _best(values[:, [0, column]]) for column, name in enumerate(costs, start=1)}
    return [
        _point(order[row], number, [name for name in costs if row in fronts[name]])
        for number, row in enumerate(sorted(_best(values)), start=1)
    ]


def read_archive(events: Path) -> list[Point]:
    """Return the archive of a run, from every candidate in its event log; empty where it searched nothing."""
    return archive(latest(EventLog.read(events), "candidate", ["genes"]))


def _is_number(fitness: float | None) -> bool:
    return fitness is not None and math.isfinite(fitness)


def _best(values: npt.NDArray[np.float64]) -> set[int]:
    """Return the rows (of N, less is better) that no other row beats; the first of equal ones."""
    chosen: list[int] = []
    for row, value in enumerate(values):
        no_worse = (values <= value).all(axis=1)
        equal = (values == value).all(axis=1)
        if not (no_worse & ~equal).any() and not equal[:row].any():
            chosen.append(row)
    return set(chosen)


def _point(event: dict[str, Any], number: int, fronts: Sequence[str]) -> Point:
    return Point(
        number=number,
        genes=event["genes"],
        fitness=event["fitness"],
        params=event["params"],
        size_mb=event["size_mb"],
        macs_g=event["macs_g"],
        latency_ms=event.get("latency_ms"),
        fronts=tuple(fronts),
    )
