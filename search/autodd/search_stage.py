"""The search over a trained supernet: asks, evaluates, and keeps every answer in the event log.

Source: [D] Algorithm 4; random search for comparison, Table 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inspector.errors import SearchSpaceError
from search.autodd.costs import Costs
from search.autodd.evolution import (
    EvolutionPlan,
    first_generation,
    next_generation,
    random_generation,
    rank,
)
from search.autodd.race import Outcome
from search.events import Event, EventLog, latest
from search.limits.limits import violations
from search.nets.spec import Genes, digits_of, genes_of
from search.recipe import EvolutionRecipe, LimitsRecipe
from search.streams import Purpose, stream

LOGGED_REJECTIONS = 20  # a generation; a tight limit rejects thousands, and their number says it all
# (generation, fitness of earlier candidates) -> what became of each, in order
Evaluate = Callable[[Sequence[Genes], Sequence[float]], list[Outcome]]


@dataclass(frozen=True)
class Evolution:
    """Searches genes within hard limits. Candidates found in the log are not evaluated again."""

    recipe: EvolutionRecipe
    limits: LimitsRecipe
    costs: Costs
    seed: int

    def run(
        self, evaluate: Evaluate, log: EventLog, past: list[Event], on_candidate: Callable[[str], None]
    ) -> Genes:
        """Return the best genes of all generations.

        Raises:
            SearchSpaceError: nothing in the space is within the limits.
        """
        logged = {genes_of(e["genes"]): _outcome(e) for e in latest(past, "candidate", ["genes"])}
        self.check_space()
        outcomes: dict[Genes, Outcome] = {}
        for generation in range(self.recipe.iterations + 1):
            rejected: dict[Genes, str] = {}
            population = self._population(generation, outcomes, rejected)
            for genes, why in list(rejected.items())[:LOGGED_REJECTIONS]:
                log.write("rejected", generation=generation, genes=digits_of(genes), reason=why)
            to_do = [genes for genes in population if genes not in logged]
            if to_do and self.recipe.drop:  # who is dropped depends on the company: all of them, or none
                to_do = population
            if to_do:
                known = list(_evaluated(outcomes).values())
                for genes, outcome in zip(to_do, evaluate(to_do, known), strict=True):
                    logged[genes] = outcome
                    self._log_candidate(log, generation, genes, outcome)
            outcomes.update({genes: logged[genes] for genes in population})
            evaluated = _evaluated(outcomes)
            self._log_generation(log, generation, evaluated, num_rejected=len(rejected))
            for _ in population:
                on_candidate(f"best {self.recipe.fitness.upper()} {max(evaluated.values()):.4f}")
        return self._ranked(_evaluated(outcomes))[0]

    def _population(
        self, generation: int, outcomes: dict[Genes, Outcome], rejected: dict[Genes, str]
    ) -> list[Genes]:
        """Return whom to evaluate next; fills `rejected` with those over a limit."""
        plan, is_feasible = self._plan(), self._feasible(rejected)
        space = self.costs.gene_space(by_latency=self.limits.max_latency_ms is not None)
        rng = stream(Purpose.EVOLUTION, seed=self.seed, number=generation)
        if generation == 0:
            return first_generation(space, plan, is_feasible, rng)
        if self.recipe.searcher == "random":
            return random_generation(outcomes, space, plan, is_feasible, rng)
        parents = self._ranked(_evaluated(outcomes))[: plan.top_k]
        return next_generation(parents, outcomes, space, plan, is_feasible, rng)

    @property
    def num_candidates(self) -> int:
        return self.recipe.population * (self.recipe.iterations + 1)

    def check_space(self) -> None:
        """Raise SearchSpaceError when not even the cheapest network is within the limits."""
        over = violations(self.costs.lowest(), self.limits)
        if over:
            raise SearchSpaceError(
                f"no network of this space is within the limits: the cheapest has {'; '.join(over)}; "
                "raise the limit, or lower network.width and network.reconstructor_width"
            )

    def _feasible(self, rejected: dict[Genes, str]) -> Callable[[Genes], bool]:
        def is_feasible(genes: Genes) -> bool:
            over = violations(self.costs.cost(genes), self.limits)
            if over:
                rejected[genes] = "; ".join(over)
            return not over

        return is_feasible

    def _ranked(self, evaluated: dict[Genes, float]) -> list[Genes]:
        return rank(evaluated, lambda genes: self.costs.cost(genes).params)

    def _plan(self) -> EvolutionPlan:
        recipe = self.recipe
        return EvolutionPlan(
            population=recipe.population,
            top_k=recipe.top_k,
            crossover=recipe.crossover,
            mutation=recipe.mutation,
            mutation_probability=recipe.mutation_probability,
            max_tries=recipe.max_tries,
        )

    def _log_candidate(self, log: EventLog, generation: int, genes: Genes, outcome: Outcome) -> None:
        cost = self.costs.cost(genes).as_dict()
        dropped = {} if outcome.fitness is not None else _dropped(outcome)
        fields = {"generation": generation, "genes": digits_of(genes), "fitness": outcome.fitness}
        log.write("candidate", **fields, **dropped, **cost)

    def _log_generation(
        self, log: EventLog, generation: int, evaluated: dict[Genes, float], *, num_rejected: int
    ) -> None:
        top = self._ranked(evaluated)[: self.recipe.top_k]
        log.write(
            "generation",
            generation=generation,
            best=evaluated[top[0]],
            top=[digits_of(genes) for genes in top],
            num_rejected=num_rejected,
        )


def _evaluated(outcomes: dict[Genes, Outcome]) -> dict[Genes, float]:
    """Return the fitness of those that were not dropped."""
    return {genes: outcome.fitness for genes, outcome in outcomes.items() if outcome.fitness is not None}


def _dropped(outcome: Outcome) -> dict[str, object]:
    """Return the fields of a candidate without a fitness: what it can have at most, and when it left."""
    return {"dropped": True, "fitness_at_most": outcome.bound, "rounds": outcome.rounds}


def _outcome(event: Event) -> Outcome:
    fitness = event["fitness"]
    if fitness is None:
        return Outcome(None, float(event["fitness_at_most"]), int(event["rounds"]))
    return Outcome(float(fitness), float(fitness), 0)
