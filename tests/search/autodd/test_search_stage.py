"""The evolution with its books: hard limits, no second evaluation, the same course after a resume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from inspector.errors import SearchSpaceError
from search.autodd.race import Outcome
from search.autodd.search_stage import LOGGED_REJECTIONS, Evolution
from search.autodd.space import CostTable
from search.events import Event, EventLog, latest
from search.limits.limits import violations
from search.nets.spec import Genes, genes_of
from search.recipe import EvolutionRecipe, LimitsRecipe

RECIPE = EvolutionRecipe(population=6, top_k=3, crossover=2, mutation=3, iterations=3, max_tries=50)
DROPPING = RECIPE.model_copy(update={"drop": True})


@pytest.fixture(scope="module")
def costs() -> CostTable:
    return CostTable(width=2, reconstructor_width=2, size_hw=(32, 32))


def made_up_fitness(genes: Genes) -> float:
    return sum(gene == 2 for gene in genes) / len(genes)


def outcomes(population: Sequence[Genes], known: Sequence[float]) -> list[Outcome]:
    """As a race would have it: those below the third best of earlier generations have a bound alone."""
    cut = sorted(known, reverse=True)[2] if len(known) > 2 else 0.0
    return [
        Outcome(made_up_fitness(genes) if made_up_fitness(genes) >= cut else None, made_up_fitness(genes), 1)
        for genes in population
    ]


def no_note(_note: str) -> None:
    """Progress is of no interest here."""


def without_time(events: list[Event], kind: str) -> list[Event]:
    return [{k: v for k, v in event.items() if k != "time"} for event in events if event["kind"] == kind]


def run(evolution: Evolution, path: Path) -> tuple[Genes, list[Genes]]:
    calls: list[Genes] = []

    def evaluate(population: Sequence[Genes], known: Sequence[float]) -> list[Outcome]:
        calls.extend(population)
        return outcomes(population, known) if evolution.recipe.drop else outcomes(population, ())

    past = EventLog.read(path)
    with EventLog(path) as log:
        return evolution.run(evaluate, log, past, no_note), calls


def cut(whole: Path, part: Path, *, kept: int) -> None:
    """Write what a run had logged when it was killed after so many candidates."""
    candidates = 0
    with part.open("w") as file:
        for line in whole.read_text().splitlines(keepends=True):
            candidates += '"kind":"candidate"' in line
            if candidates > kept:
                break
            file.write(line)


def assert_same_course(part: Path, whole: Path) -> None:
    for kind, key in (("candidate", ["genes"]), ("generation", ["generation"])):
        ours, theirs = (latest(EventLog.read(path), kind, key) for path in (part, whole))
        assert without_time(ours, kind) == without_time(theirs, kind)


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


def test_dropping_leaves_generations_and_winner_as_they_are(costs: CostTable, tmp_path: Path) -> None:
    whole, dropping = tmp_path / "whole.jsonl", tmp_path / "dropping.jsonl"
    winner, calls = run(Evolution(RECIPE, LimitsRecipe(), costs, 0), whole)
    assert run(Evolution(DROPPING, LimitsRecipe(), costs, 0), dropping) == (winner, calls)
    assert without_time(EventLog.read(whole), "generation") == without_time(
        EventLog.read(dropping), "generation"
    )
    dropped = [e for e in EventLog.read(dropping) if e["kind"] == "candidate" and e.get("dropped")]
    assert dropped
    assert all(e["fitness"] is None for e in dropped)
    assert all(e["fitness_at_most"] == made_up_fitness(genes_of(e["genes"])) for e in dropped)


def test_random_search_evaluates_as_many_and_takes_no_parents(costs: CostTable, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"searcher": "random"})
    winner, calls = run(Evolution(recipe, LimitsRecipe(), costs, 0), tmp_path / "random.jsonl")
    _, evolved = run(Evolution(RECIPE, LimitsRecipe(), costs, 0), tmp_path / "evolved.jsonl")
    assert len(calls) == len(set(calls)) == len(evolved)
    assert made_up_fitness(winner) == max(map(made_up_fitness, calls))
    assert calls[: RECIPE.population] == evolved[: RECIPE.population]  # the first generation has no parents
    # What is evaluated has no influence on what is drawn.
    other = Evolution(recipe.model_copy(update={"top_k": 1}), LimitsRecipe(), costs, 0)
    assert run(other, tmp_path / "other.jsonl")[1] == calls
    assert run(Evolution(recipe, LimitsRecipe(), costs, 1), tmp_path / "seed.jsonl")[1] != calls


@pytest.mark.parametrize("kept", [0, 8, 12, 23])
def test_a_search_that_drops_goes_on_where_it_was_killed(costs: CostTable, tmp_path: Path, kept: int) -> None:
    evolution = Evolution(DROPPING, LimitsRecipe(), costs, 0)
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    winner, calls = run(evolution, whole)
    cut(whole, part, kept=kept)
    again, rest = run(evolution, part)
    # Who is dropped depends on the company: a generation that is not all there is evaluated again.
    assert (again, rest) == (winner, calls[kept - kept % DROPPING.population :])
    assert_same_course(part, whole)


@pytest.mark.parametrize("kept", [0, 1, 5, 8, 13, 24])
def test_a_search_that_was_killed_goes_on_where_it_was(costs: CostTable, tmp_path: Path, kept: int) -> None:
    evolution = Evolution(RECIPE, LimitsRecipe(), costs, 0)
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    winner, calls = run(evolution, whole)
    cut(whole, part, kept=kept)
    again, rest = run(evolution, part)
    assert (again, rest) == (winner, calls[kept:])
    assert_same_course(part, whole)


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

    def equal(population: Sequence[Genes], _known: Sequence[float]) -> list[Outcome]:
        seen.extend(population)
        return [Outcome(0.5, 0.5, 1)] * len(population)

    with EventLog(tmp_path / "events.jsonl") as log:
        winner = Evolution(RECIPE, LimitsRecipe(), costs, 0).run(equal, log, [], no_note)
    assert costs.cost(winner).params == min(costs.cost(genes).params for genes in seen)
