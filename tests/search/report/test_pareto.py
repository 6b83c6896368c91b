"""The archive on the page: charts of what was counted, rows that can be picked, nothing without any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.report.pareto import MAX_ROWS, ParetoSection, pareto_section
from search.report.record import RunRecord, read_record

MakeRun = Callable[..., Path]


def candidate(number: int, fitness: float | None, macs_g: float, **more: Any) -> dict[str, Any]:
    return {"kind": "candidate", "genes": f"{number:018b}", "fitness": fitness, "params": 1000,
            "size_mb": macs_g * 2, "macs_g": macs_g, **more}  # fmt: skip


def section(*candidates: dict[str, Any], **result: Any) -> ParetoSection:
    record = RunRecord("tile", "", {}, tuple(candidates), result)
    found = pareto_section(record)
    assert found is not None
    return found


def test_a_made_up_run_has_its_points_in_order_with_the_command_that_picks_one(make_run: MakeRun) -> None:
    record = read_record(make_run())
    found = pareto_section(record)
    assert found is not None
    assert [point.number for point in found.rows] == sorted(point.number for point in found.rows)
    assert record.result["genes"]["digits"] in [point.genes for point in found.rows]
    assert found.command == "inspector search RECIPE --run tile run --pick N"
    assert [chart.title for chart in found.charts] == [
        "Fitness against multiply-adds",
        "Fitness against size",
    ]


def test_latency_has_a_chart_where_it_was_predicted_and_limits_are_drawn() -> None:
    points = [candidate(n, 0.1 * n, 1.0 * n, latency_ms=3.0 * n) for n in range(1, 4)]
    found = section(*points, limits={"max_latency_ms": 10.0, "max_macs_g": 100.0})
    assert found.has_latency
    text = found.charts[-1].text
    assert text == (
        "3 of 3 candidates have the most fitness for their predicted latency: from 0.1000 at 3 ms (point 1) "
        "to 0.3000 at 9 ms (point 3)."
    )
    assert "limit 10 ms" in str(found.charts[-1].svg)
    assert "limit" not in str(found.charts[0].svg)  # far to the right of all candidates


def test_what_was_dropped_is_counted_and_no_point() -> None:
    found = section(candidate(1, 0.5, 1.0), candidate(2, None, 0.5, dropped=True))
    assert (found.num_dropped, [point.macs_g for point in found.rows]) == (1, [1.0])


def test_of_many_points_the_table_has_those_on_an_edge() -> None:
    crowd = [candidate(n, 0.5, 1.0 + n, size_mb=100.0 - n) for n in range(MAX_ROWS + 5)]
    found = section(*crowd)
    assert [point.fronts for point in found.rows] == [("macs_g",), ("size_mb",)]
    assert found.left_out == MAX_ROWS + 3


@pytest.mark.parametrize("events", [(), (candidate(1, None, 1.0),)])
def test_without_an_evaluated_candidate_there_is_no_archive(events: tuple[dict[str, Any], ...]) -> None:
    record = RunRecord("tile", "", {}, events, {})
    assert pareto_section(record) is None
    assert pareto_section(replace(record, events=(candidate(2, 0.1, 1.0),))) is not None
