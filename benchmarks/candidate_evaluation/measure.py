"""Times a generation evaluated one by one, together, and together with dropping; compares the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from lightning_fabric import Fabric

from benchmarks.candidate_evaluation.floor import Operations
from benchmarks.candidate_evaluation.kept import Kept
from benchmarks.candidate_evaluation.plain import PlainEvaluator
from benchmarks.candidate_evaluation.subject import Subject
from search.autodd.candidates import Candidates
from search.autodd.fitness import HISTOGRAM_ERROR, FitnessEvaluator
from search.autodd.race import Outcome
from search.nets.detector import OneShotDetector
from search.nets.spec import Genes, digits_of


@dataclass(frozen=True)
class Comparison:
    """A generation, plain against together; seconds are processor time of this process."""

    floor: float
    plain_s: float
    shared_s: float
    dropping_s: float
    images_seen: float  # share of the candidates' validation rounds that dropping left
    dropped: int
    wrongly_dropped: int
    same_top: bool
    bit_equal: bool
    fitness: tuple[float, float, float]  # lowest, median, highest

    @property
    def sharing(self) -> float:
        return self.plain_s / self.shared_s

    @property
    def dropping(self) -> float:
        return self.plain_s / self.dropping_s

    @property
    def holds(self) -> bool:
        """Whether nothing differs from the plain evaluation and nobody was dropped who belongs to the top."""
        return self.bit_equal and self.same_top and self.wrongly_dropped == 0


def compare(
    subject: Subject,
    population: Sequence[Genes],
    *,
    operations: Operations,
    top_k: int,
    num_plain: int,
    fabric: Fabric,
    say: Callable[[str], None],
    kept: Kept,
) -> Comparison:
    """Evaluate a generation in the three ways, plain ones at the beginning, in between and at the end.

    Args:
        num_plain: How many candidates are timed alone, evenly spread by their operations; the time of the
            others follows from a straight line through them.
        kept: What was measured before is taken from it.
    """
    sample = _spread(population, operations, num_plain)
    plain: dict[Genes, float] = {}
    plain_s: dict[Genes, float] = {}

    def run_plain(some: Sequence[Genes]) -> None:
        evaluator = PlainEvaluator(
            subject.supernet,
            validation=subject.validation,
            recalibration=subject.recalibration,
            fabric=fabric,
        )
        for genes in some:
            plain[genes], plain_s[genes] = kept.once(
                f"plain {digits_of(genes)}", partial(_timed, evaluator, genes)
            )
            say(f"  plain {digits_of(genes)}  {plain[genes]:.4f}  {plain_s[genes]:.1f} s")

    def run_together(*, drop: bool) -> tuple[float, list[Outcome]]:
        measure = partial(_together, subject, population, top_k=top_k, drop=drop, fabric=fabric)
        seconds, outcomes = kept.once(f"together, {drop=}, {digits_of(population[0])}", measure)
        say(f"  together, {drop=}  {seconds:.1f} s")
        return seconds, [Outcome(*outcome) for outcome in outcomes]

    run_plain(sample[::3])
    shared_s, whole = run_together(drop=False)
    run_plain(sample[1::3])
    dropping_s, raced = run_together(drop=True)
    run_plain(sample[2::3])

    fitness = {genes: one.bound for genes, one in zip(population, whole, strict=True)}
    left = {g: one.fitness for g, one in zip(population, raced, strict=True) if one.fitness is not None}
    top = _top(fitness, top_k)
    rounds = max(one.rounds for one in whole)
    return Comparison(
        floor=operations.floor(population),
        plain_s=_all_plain_s(population, plain_s, operations),
        shared_s=shared_s,
        dropping_s=dropping_s,
        images_seen=sum(one.rounds for one in raced) / (rounds * len(raced)),
        dropped=len(raced) - len(left),
        wrongly_dropped=len(set(top) - set(left)),
        same_top=_top(left, top_k) == top and all(left[genes] == fitness[genes] for genes in left),
        bit_equal=all(fitness[genes] == value for genes, value in plain.items()),
        fitness=(min(fitness.values()), float(np.median(list(fitness.values()))), max(fitness.values())),
    )


@dataclass(frozen=True)
class Order:
    """How the histogram's AUPR orders candidates that the exact AUPR tells apart by more than its error."""

    pairs: int
    swapped: int
    largest_error: float


def check_order(
    supernet: OneShotDetector, subject: Subject, population: Sequence[Genes], *, fabric: Fabric
) -> Order:
    """Evaluate each candidate alone and compare histogram and exact AUPR of the same scores."""
    plain = PlainEvaluator(
        supernet, validation=subject.validation, recalibration=subject.recalibration, fabric=fabric
    )
    both = [plain.histogram_and_exact(genes) for genes in population]
    apart = [(a, b) for a, b in combinations(both, 2) if abs(a[1] - b[1]) > HISTOGRAM_ERROR]
    swapped = sum((a[0] > b[0]) != (a[1] > b[1]) for a, b in apart)
    return Order(len(apart), swapped, max(abs(histogram - exact) for histogram, exact in both))


def _timed(evaluator: PlainEvaluator, genes: Genes) -> tuple[float, float]:
    begun_s = time.process_time()
    fitness = evaluator.fitness(genes)
    return fitness, time.process_time() - begun_s


def _together(
    subject: Subject, population: Sequence[Genes], *, top_k: int, drop: bool, fabric: Fabric
) -> tuple[float, list[tuple[float | None, float, int]]]:
    begun_s = time.process_time()
    evaluator = FitnessEvaluator(
        subject.supernet,
        validation=subject.validation,
        recalibration=subject.recalibration,
        fabric=fabric,
    )
    outcomes = Candidates(evaluator, top_k, drop).evaluate(population, (), lambda _note: None)
    seconds = time.process_time() - begun_s
    return seconds, [(one.fitness, one.bound, one.rounds) for one in outcomes]


def _spread(population: Sequence[Genes], operations: Operations, count: int) -> list[Genes]:
    """Return `count` candidates evenly spread by their operations."""
    ordered = sorted(population, key=lambda genes: (operations.plain(genes), genes))
    places = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]


def _all_plain_s(
    population: Sequence[Genes], measured_s: dict[Genes, float], operations: Operations
) -> float:
    """Return the seconds of all: measured, or on a straight line through those that were."""
    if len(measured_s) == len(population):
        return sum(measured_s.values())
    slope, start = np.polyfit([operations.plain(genes) for genes in measured_s], list(measured_s.values()), 1)
    return float(sum(measured_s.get(genes, start + slope * operations.plain(genes)) for genes in population))


def _top(fitness: dict[Genes, float], k: int) -> list[Genes]:
    return sorted(fitness, key=lambda genes: (-fitness[genes], genes))[:k]
