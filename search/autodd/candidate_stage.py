"""What evaluates the candidates of a run: this process, or Ray actors where the recipe asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from search.autodd.candidates import Candidates, Part, StyledPart
from search.autodd.fitness import FitnessEvaluator
from search.autodd.space import Space
from search.nets.spec import Genes
from search.recipe import Recipe
from search.training.device import make_fabric, resolve
from search.training.feed import Batch


@dataclass(frozen=True)
class CandidateJob:
    """Everything that an evaluation depends on; picklable.

    supernets, recalibration: One for each style of the space.
    """

    recipe: Recipe
    space: Space
    supernets: Sequence[nn.Module]
    validation: Sequence[Batch]
    recalibration: Sequence[Sequence[Batch]]

    def make_part(self) -> Part:
        """Build the evaluators on this process's device."""
        recipe, fabric = self.recipe, make_fabric(self.recipe.compute)
        parts = [
            FitnessEvaluator(
                supernet.to(fabric.device),
                validation=self.validation,
                recalibration=batches,
                fabric=fabric,
                figure=recipe.evolution.fitness,
                cache_mb=recipe.compute.cache_mb,
            )
            for supernet, batches in zip(self.supernets, self.recalibration, strict=True)
        ]
        return parts[0] if len(parts) == 1 else StyledPart(parts, self.space)


@contextmanager
def open_candidates(job: CandidateJob, work: Callable[[Genes], float]) -> Iterator[Candidates]:
    """Yield what evaluates generations of candidates; `work`: what each costs, in any unit."""
    evolution, compute = job.recipe.evolution, job.recipe.compute
    if not compute.candidate_workers and compute.ray_address is None:
        yield Candidates(job.make_part(), evolution.top_k, evolution.drop)
        return
    from search.autodd.candidate_actors import ActorOptions, actor_pool  # Ray only when it is asked for

    cuda = resolve(compute)[0] == "cuda"
    options = ActorOptions(compute.candidate_workers, compute.ray_address, cuda)
    with actor_pool(job.make_part, options, work) as part:
        yield Candidates(part, evolution.top_k, evolution.drop)
