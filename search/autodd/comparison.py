"""A network that was found on another part against a search on this one: what it reaches, costs and saves.

Source: [D] Sec. 5.3.1 (searched on one class, retrained for the others).
Differs from the source: the comparison with a search of its own, which [D] does not make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.recipe import parse_recipe
from search.stages import kind_of

SEARCH_STAGES = ("one_shot", "cells", "evolution")
_FIGURES = (
    ("pixel AUPR", "pixel_aupr"),
    ("pixel AUROC", "pixel_auroc"),
    ("PRO", "pro"),
    ("image AUROC", "image_auroc"),
)
_COSTS = (
    ("parameters", "params"),
    ("size, MB", "size_mb"),
    ("multiply-adds, G", "macs_g"),
    ("predicted latency, ms", "latency_ms"),
)


@dataclass(frozen=True)
class Row:
    """One figure of both; None where it was not measured."""

    what: str
    retrained: float | None
    searched: float | None


def compare(retrained: Mapping[str, Any], searched: Mapping[str, Any]) -> list[Row]:
    """Put two results side by side: what was measured on real defects, costs, and seconds."""
    rows = [Row(what, retrained["metrics"].get(key), searched["metrics"].get(key)) for what, key in _FIGURES]
    rows += [Row(what, retrained.get(key), searched.get(key)) for what, key in _COSTS]
    return [
        *(row for row in rows if row.retrained is not None or row.searched is not None),
        Row("search, s", search_seconds(retrained), search_seconds(searched)),
        Row("retraining, s", retrained["seconds"]["retraining"], searched["seconds"]["retraining"]),
    ]


def search_seconds(result: Mapping[str, Any]) -> float:
    """Return how long the search of a run took, without its retraining; 0 where it searched nothing."""
    stages = result["seconds"].items()
    return float(sum(seconds for stage, seconds in stages if kind_of(stage) in SEARCH_STAGES))


def saved_seconds(found: Mapping[str, Any], *, num_images: int) -> float | None:
    """Estimate what a search on `num_images` training photos would take, from the run that found a network.

    The supernet's steps grow with the photos where the recipe counts epochs; the evolution does not. None
    where that run searched nothing itself.
    """
    if not found["searched"]:
        return None
    training = parse_recipe(dict(found["recipe"])).one_shot
    growth = training.num_steps(num_images) / training.num_steps(found["data"]["num_training"])
    evolution = float(found["seconds"].get("evolution", 0.0))
    return growth * (search_seconds(found) - evolution) + evolution


def table(rows: list[Row]) -> str:
    """Return the rows as aligned text."""
    head = f"{'':<22} {'retrained':>12} {'its own search':>15}"
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    return f"{row.what:<22} {_number(row.retrained):>12} {_number(row.searched):>15}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
