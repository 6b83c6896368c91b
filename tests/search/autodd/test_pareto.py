"""The archive holds what nothing beats, and only that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.autodd.pareto import archive


def candidate(
    genes: str, fitness: float | None, macs_g: float, size_mb: float, ms: float | None = None
) -> dict[str, Any]:
    event = {"genes": genes, "fitness": fitness, "macs_g": macs_g, "size_mb": size_mb, "params": 1}
    return event if ms is None else {**event, "latency_ms": ms}


def genes_of(candidates: list[dict[str, Any]]) -> list[str]:
    return [point.genes for point in archive(candidates)]


def test_what_is_beaten_in_everything_is_left_out_and_points_are_numbered_by_multiply_adds() -> None:
    points = archive(
        [
            candidate("big", 0.9, 10, 10),
            candidate("beaten", 0.8, 11, 11),
            candidate("small", 0.5, 1, 1),
            candidate("middle", 0.7, 5, 5),
        ]
    )
    assert [(point.number, point.genes) for point in points] == [(1, "small"), (2, "middle"), (3, "big")]
    assert all(point.fronts == ("macs_g", "size_mb") for point in points)


def test_a_compromise_between_two_costs_is_a_point_though_on_the_edge_of_neither() -> None:
    points = archive(
        [
            candidate("few-macs", 0.7, 1, 9),
            candidate("few-mb", 0.7, 9, 1),
            candidate("between", 0.7, 5, 5),
            candidate("fast", 0.6, 9, 9),
        ]
    )
    fronts = {point.genes: point.fronts for point in points}
    assert fronts == {"few-macs": ("macs_g",), "between": (), "few-mb": ("size_mb",)}


def test_latency_is_a_cost_where_it_was_predicted() -> None:
    slow, fast = candidate("slow", 0.7, 1, 1, 9.0), candidate("fast", 0.7, 2, 2, 3.0)
    assert genes_of([slow, fast]) == ["slow", "fast"]
    assert archive([slow, fast])[1].fronts == ("latency_ms",)
    without = [{name: value for name, value in c.items() if name != "latency_ms"} for c in (slow, fast)]
    assert genes_of(without) == ["slow"]
    assert "latency_ms" not in archive(without)[0].as_dict()


@pytest.mark.parametrize("order", [1, -1])
def test_equal_candidates_have_one_point_whatever_came_first(order: int) -> None:
    same = [candidate("1", 0.5, 2, 2), candidate("0", 0.5, 2, 2), candidate("2", 0.4, 2, 2)]
    assert genes_of(same[::order]) == ["0"]


def test_what_was_dropped_before_its_end_is_no_point() -> None:
    assert genes_of([candidate("dropped", None, 0.1, 0.1), candidate("whole", 0.1, 1, 1)]) == ["whole"]
    assert archive([]) == []


def test_no_point_is_beaten_and_everything_else_is() -> None:
    draw = np.random.default_rng(0).random((300, 3)).round(1)
    everything = [candidate(str(i), *(float(value) for value in row)) for i, row in enumerate(draw)]
    points = archive(everything)
    kept = {point.genes for point in points}

    def beats(a: dict[str, Any], b: dict[str, Any]) -> bool:
        better = [a["fitness"] >= b["fitness"], a["macs_g"] <= b["macs_g"], a["size_mb"] <= b["size_mb"]]
        strictly = a["fitness"] > b["fitness"] or a["macs_g"] < b["macs_g"] or a["size_mb"] < b["size_mb"]
        return all(better) and strictly

    for event in everything:
        is_beaten = any(beats(other, event) for other in everything)
        twins = {e["genes"] for e in everything if {**e, "genes": ""} == {**event, "genes": ""}}
        assert is_beaten != bool(twins & kept)
