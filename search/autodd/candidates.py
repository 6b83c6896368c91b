"""A generation of candidates in, what became of each out; who computes it is exchangeable."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.autodd.race import Outcome, RacePlan, race
from search.autodd.space import Space
from search.nets.spec import Genes

OnRound = Callable[[str], None]


class Part(Protocol):
    """Computes: a supernet in this process (`FitnessEvaluator`), several of them, or a pool of workers."""

    @property
    def chance(self) -> float:
        """The fitness of a candidate that has learnt nothing."""
        ...

    @property
    def num_rounds(self) -> int:
        """After how many rounds all validation samples were seen."""
        ...

    @property
    def together(self) -> int:
        """How many of them all candidates go side by side: before, bounds tell little apart."""
        ...

    def begin(self, population: Sequence[Genes]) -> None:
        """Prepare candidates; forgets those of the generation before."""
        ...

    def advance(self, population: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        """Show prepared candidates the validation samples up to a round: `race.Advance`."""
        ...


@dataclass(frozen=True)
class Candidates:
    """Evaluates generations.

    Args:
        drop: Leave a candidate as soon as it is certain that it is not among the best `top_k`.
    """

    part: Part
    top_k: int
    drop: bool

    def evaluate(
        self, population: Sequence[Genes], known: Collection[float], on_round: OnRound
    ) -> list[Outcome]:
        """Return an outcome for each candidate, in order; `known`: fitness of earlier candidates."""
        num_rounds = self.part.num_rounds
        plan = RacePlan(num_rounds, self.part.together if self.drop else num_rounds, self.top_k)

        def advance(candidates: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
            bounds = self.part.advance(candidates, to_round)
            on_round(f"{len(candidates)} candidates after round {to_round} of {num_rounds}")
            return bounds

        self.part.begin(population)
        return race(population, advance, plan, known=known)


class StyledPart:
    """Candidates of a space with styles: each goes to the supernet of its style."""

    def __init__(self, parts: Sequence[Part], space: Space) -> None:
        self._parts, self._space = parts, space
        self.chance, self.num_rounds = parts[0].chance, parts[0].num_rounds
        self.together = parts[0].together

    def begin(self, population: Sequence[Genes]) -> None:
        for part, members in self._by_style(population):
            part.begin(list(members))

    def advance(self, population: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        bounds: dict[Genes, float] = {}
        for part, members in self._by_style(population):
            by_path = part.advance(list(members), to_round)
            bounds.update({genes: by_path[path] for path, genes in members.items()})
        return bounds

    def _by_style(self, population: Sequence[Genes]) -> list[tuple[Part, dict[Genes, Genes]]]:
        groups: dict[int, dict[Genes, Genes]] = {}
        for genes in population:
            groups.setdefault(self._space.style(genes), {})[self._space.path(genes)] = genes
        return [(self._parts[style], members) for style, members in sorted(groups.items())]
