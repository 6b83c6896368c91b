"""The evolution over a trained supernet: asks, evaluates, and keeps every answer in the event log.

Source: [D] Algorithm 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inspector.errors import SearchSpaceError
from search.autodd.costs import Costs
from search.autodd.evolution import EvolutionPlan, first_generation, next_generation, rank
from search.events import Event, EventLog, latest
from search.limits.limits import violations
from search.nets.spec import Genes, digits_of, genes_of
from search.recipe import EvolutionRecipe, LimitsRecipe
from search.streams import Purpose, stream

LOGGED_REJECTIONS = 20  # a generation; a tight limit rejects thousands, and their number says it all
Fitness = Callable[[Genes], float]


@dataclass(frozen=True)
class Evolution:
    """Searches genes within hard limits. Candidates found in the log are not evaluated again."""

    recipe: EvolutionRecipe
    limits: LimitsRecipe
    costs: Costs
    seed: int

    def run(
        self, fitness: Fitness, log: EventLog, past: list[Event], on_candidate: Callable[[str], None]
    ) -> Genes:
        """Return the best genes of all generations.

        Raises:
            SearchSpaceError: nothing in the space is within the limits.
        """
        known = {genes_of(e["genes"]): float(e["fitness"]) for e in latest(past, "candidate", ["genes"])}
        self.check_space()
        plan = self._plan()
        space = self.costs.gene_space(by_latency=self.limits.max_latency_ms is not None)
        evaluated: dict[Genes, float] = {}
        for generation in range(self.recipe.iterations + 1):
            rng = stream(Purpose.EVOLUTION, seed=self.seed, number=generation)
            rejected: dict[Genes, str] = {}
            if generation == 0:
                population = first_generation(space, plan, self._feasible(rejected), rng)
            else:
                parents = self._ranked(evaluated)[: plan.top_k]
                population = next_generation(parents, evaluated, space, plan, self._feasible(rejected), rng)
            for genes, why in list(rejected.items())[:LOGGED_REJECTIONS]:
                log.write("rejected", generation=generation, genes=digits_of(genes), reason=why)
            for genes in population:
                if genes not in known:
                    known[genes] = fitness(genes)
                    self._log_candidate(log, generation, genes, known[genes])
                evaluated[genes] = known[genes]
                on_candidate(f"best AUPR {max(evaluated.values()):.4f}")
            self._log_generation(log, generation, evaluated, num_rejected=len(rejected))
        return self._ranked(evaluated)[0]

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

    def _log_candidate(self, log: EventLog, generation: int, genes: Genes, fitness: float) -> None:
        cost = self.costs.cost(genes).as_dict()
        log.write("candidate", generation=generation, genes=digits_of(genes), fitness=fitness, **cost)

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
