"""Each hard limit is met before a candidate is evaluated, in either space, and the reason names it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from inspector.latency import open_profile
from search.autodd.dual_space import DualSpace
from search.autodd.race import Outcome
from search.autodd.search_stage import Evolution
from search.autodd.space import Space, UNetSpace
from search.events import EventLog
from search.limits.limits import violations
from search.nets.spec import Genes
from search.recipe import EvolutionRecipe, LimitsRecipe

RECIPE = EvolutionRecipe(population=6, top_k=3, crossover=2, mutation=3, iterations=2, max_tries=50)
SPACES = [UNetSpace(4, 4), DualSpace(4, 4)]
NANO = open_profile("jetson-nano")


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize(
    ("limit", "named"),
    [("max_macs_g", "multiply-adds"), ("max_latency_ms", "latency"), ("max_size_mb", "size")],
)
def test_nothing_over_the_limit_is_evaluated(space: Space, limit: str, named: str, tmp_path: Path) -> None:
    costs = space.costs((32, 32), profile=NANO)
    lowest = costs.lowest().as_dict()
    tight = 1.1 * lowest[limit.removeprefix("max_")]
    limits = LimitsRecipe.model_validate({limit: tight, "device": "jetson-nano"})
    evaluated: list[Genes] = []

    def evaluate(population: Sequence[Genes], _known: Sequence[float]) -> list[Outcome]:
        evaluated.extend(population)
        return [Outcome(0.5, 0.5, 1) for _ in population]

    with EventLog(tmp_path / "events.jsonl") as log:
        winner = Evolution(RECIPE, limits, costs, 0).run(evaluate, log, [], lambda _: None)
    assert winner in evaluated
    assert not [genes for genes in evaluated if violations(costs.cost(genes), limits)]
    events = EventLog.read(tmp_path / "events.jsonl")
    reasons = [event["reason"] for event in events if event["kind"] == "rejected"]
    assert reasons
    assert all(named in reason for reason in reasons)
