"""The evolution with its books: hard limits, no second evaluation, the same course after a resume."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import SearchSpaceError
from search.autodd.search_stage import LOGGED_REJECTIONS, Evolution
from search.autodd.space import CostTable
from search.events import Event, EventLog, latest
from search.limits.limits import violations
from search.nets.spec import Genes, genes_of
from search.recipe import EvolutionRecipe, LimitsRecipe

RECIPE = EvolutionRecipe(population=6, top_k=3, crossover=2, mutation=3, iterations=3, max_tries=50)


@pytest.fixture(scope="module")
def costs() -> CostTable:
    return CostTable(width=2, reconstructor_width=2, size_hw=(32, 32))


def made_up_fitness(genes: Genes) -> float:
    return sum(gene == 2 for gene in genes) / len(genes)


def no_note(_note: str) -> None:
    """Progress is of no interest here."""


def without_time(events: list[Event], kind: str) -> list[Event]:
    return [{k: v for k, v in event.items() if k != "time"} for event in events if event["kind"] == kind]


def run(evolution: Evolution, path: Path) -> tuple[Genes, list[Genes]]:
    calls: list[Genes] = []

    def fitness(genes: Genes) -> float:
        calls.append(genes)
        return made_up_fitness(genes)

    past = EventLog.read(path)
    with EventLog(path) as log:
        return evolution.run(fitness, log, past, no_note), calls


def test_the_winner_is_the_best_of_all_generations_and_nobody_is_evaluated_twice(
    costs: CostTable, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    winner, calls = run(Evolution(RECIPE, LimitsRecipe(), costs, 0), path)
    assert len(calls) == len(set(calls)) == RECIPE.population * (RECIPE.iterations + 1)
    assert made_up_fitness(winner) == max(map(made_up_fitness, calls))
    events = EventLog.read(path)
    assert [genes_of(event["genes"]) for event in events if event["kind"] == "candidate"] == calls
    assert [event["generation"] for event in events if event["kind"] == "generation"] == [0, 1, 2, 3]
    assert genes_of([e for e in events if e["kind"] == "generation"][-1]["top"][0]) == winner


def test_candidates_over_a_limit_are_logged_with_the_reason_and_never_evaluated(
    costs: CostTable, tmp_path: Path
) -> None:
    space = costs.gene_space()
    tight = (costs.cost(space.cheapest).params + 2000) / 1e6
    evolution = Evolution(RECIPE, LimitsRecipe(max_params_m=tight), costs, 0)
    _, calls = run(evolution, tmp_path / "events.jsonl")
    assert calls
    assert all(not violations(costs.cost(genes), evolution.limits) for genes in calls)
    rejected = [event for event in EventLog.read(tmp_path / "events.jsonl") if event["kind"] == "rejected"]
    assert rejected
    assert all("parameters" in event["reason"] for event in rejected)
    assert not {genes_of(event["genes"]) for event in rejected} & set(calls)


def test_a_tight_limit_does_not_flood_the_log(costs: CostTable, tmp_path: Path) -> None:
    """Every rejected draw was a line: thousands a generation under a tight limit."""
    tight = (costs.cost(costs.gene_space().cheapest).params + 2000) / 1e6
    run(Evolution(RECIPE, LimitsRecipe(max_params_m=tight), costs, 0), tmp_path / "events.jsonl")
    events = EventLog.read(tmp_path / "events.jsonl")
    counted = [event["num_rejected"] for event in events if event["kind"] == "generation"]
    assert max(counted) > LOGGED_REJECTIONS
    assert sum(event["kind"] == "rejected" for event in events) <= LOGGED_REJECTIONS * len(counted)


@pytest.mark.parametrize("kept", [0, 1, 5, 8, 13, 24])
def test_a_search_that_was_killed_goes_on_where_it_was(costs: CostTable, tmp_path: Path, kept: int) -> None:
    evolution = Evolution(RECIPE, LimitsRecipe(), costs, 0)
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    winner, calls = run(evolution, whole)
    candidates = 0
    with part.open("w") as file:
        for line in whole.read_text().splitlines(keepends=True):
            candidates += '"kind":"candidate"' in line
            if candidates > kept:
                break
            file.write(line)
    again, rest = run(evolution, part)
    assert (again, rest) == (winner, calls[kept:])
    for kind, key in (("candidate", ["genes"]), ("generation", ["generation"])):
        ours, theirs = (latest(EventLog.read(path), kind, key) for path in (part, whole))
        assert without_time(ours, kind) == without_time(theirs, kind)


def test_limits_that_nothing_meets_are_refused_before_anything_is_evaluated(costs: CostTable) -> None:
    evolution = Evolution(RECIPE, LimitsRecipe(max_params_m=0.001), costs, 0)
    with pytest.raises(
        SearchSpaceError, match=r"cheapest has parameters .* M over 0\.001 M; raise the limit"
    ):
        evolution.check_space()


def test_a_limit_that_only_the_cheapest_meets_still_has_a_winner(costs: CostTable, tmp_path: Path) -> None:
    cheapest = costs.gene_space().cheapest
    limits = LimitsRecipe(
        max_macs_g=costs.cost(cheapest).macs_g, max_params_m=costs.cost(cheapest).params / 1e6
    )
    winner, calls = run(Evolution(RECIPE, limits, costs, 0), tmp_path / "events.jsonl")
    assert costs.cost(winner) == costs.cost(cheapest)
    assert all(costs.cost(genes) == costs.cost(cheapest) for genes in calls)


def test_equal_fitness_goes_to_the_smallest_network(costs: CostTable, tmp_path: Path) -> None:
    seen: list[Genes] = []
    with EventLog(tmp_path / "events.jsonl") as log:
        winner = Evolution(RECIPE, LimitsRecipe(), costs, 0).run(
            lambda genes: seen.append(genes) or 0.5,  # type: ignore[func-returns-value]
            log,
            [],
            no_note,
        )
    assert costs.cost(winner).params == min(costs.cost(genes).params for genes in seen)
