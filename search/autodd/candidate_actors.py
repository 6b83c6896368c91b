"""Candidates on many devices: one Ray actor a device, on this machine or on a cluster.

Each actor has the whole supernet and a part of the generation: neighbours in the trie of genes, so that they
still share what they have in common. The actors compute bounds; who goes on is decided here, from all of
them: outcomes are those of one process, bit for bit, as long as an actor has as many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from inspector.errors import InspectorError
from search.autodd.candidates import Part
from search.autodd.gene_trie import split
from search.nets.spec import Genes
from search.ray_cluster import connected

MakePart = Callable[[], Part]  # pickled and called where the candidates are evaluated
Work = Callable[[Genes], float]


class CandidateWorkerError(InspectorError):
    """A process that evaluated candidates failed or died."""


@dataclass(frozen=True)
class ActorOptions:
    """Where candidates are evaluated.

    num_workers: 0: one for each device that the cluster has.
    address: Of a running cluster; None: one is started here.
    cuda: An actor takes a GPU, else a processor.
    """

    num_workers: int
    address: str | None
    cuda: bool


@contextmanager
def actor_pool(make_part: MakePart, options: ActorOptions, work: Work) -> Iterator[Part]:
    """Yield a pool of actors that evaluates like the one part that `make_part` returns.

    Args:
        work: What a candidate costs, in any unit: parts are cut to equal sums of it.

    Raises:
        InputError: nothing answers at the address.
        CandidateWorkerError: an actor failed or died; what was logged is kept.
    """
    with connected(options.address, num_cpus=max(1, options.num_workers)) as ray:
        device = "GPU" if options.cuda else "CPU"
        num_workers = options.num_workers or int(ray.cluster_resources().get(device, 1))
        actor = ray.remote(_Worker).options(
            num_cpus=0 if options.cuda else 1,
            num_gpus=1 if options.cuda else 0,
            scheduling_strategy="SPREAD",
        )
        shared, threads = ray.put(make_part), torch.get_num_threads()
        actors = [actor.remote(shared, threads) for _ in range(num_workers)]
        try:
            yield _ActorPool(ray, actors, work)
        finally:
            for one in actors:
                ray.kill(one)


class _Worker:
    """Lives in a process of its own."""

    def __init__(self, make_part: MakePart, threads: int) -> None:
        torch.set_num_threads(threads)  # sums are split among threads: another number gives other last bits
        self._part = make_part()

    def facts(self) -> tuple[float, int, int]:
        return self._part.chance, self._part.num_rounds, self._part.together

    def begin(self, population: Sequence[Genes]) -> None:
        self._part.begin(population)

    def advance(self, population: Sequence[Genes], to_round: int) -> dict[Genes, float]:
        return dict(self._part.advance(population, to_round))


class _ActorPool:
    def __init__(self, ray: Any, actors: Sequence[Any], work: Work) -> None:
        self._ray, self._actors, self._work = ray, actors, work
        self._at: dict[Genes, Any] = {}
        self.chance, self.num_rounds, self.together = self._get([actors[0].facts.remote()])[0]

    def begin(self, population: Sequence[Genes]) -> None:
        parts = split(population, self._work, len(self._actors))
        placed = [(actor, part) for actor, part in zip(self._actors, parts, strict=True) if part]
        self._at = {genes: actor for actor, part in placed for genes in part}
        self._get([actor.begin.remote(part) for actor, part in placed])

    def advance(self, population: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        groups: dict[Any, list[Genes]] = {}
        for genes in population:
            groups.setdefault(self._at[genes], []).append(genes)
        calls = [actor.advance.remote(members, to_round) for actor, members in groups.items()]
        return {genes: bound for bounds in self._get(calls) for genes, bound in bounds.items()}

    def _get(self, calls: Sequence[Any]) -> list[Any]:
        try:
            answers: list[Any] = self._ray.get(list(calls))
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise CandidateWorkerError(
                f"a worker that evaluates candidates failed ({reason}); the same command goes on from the "
                "last finished generation, with compute.candidate_workers: 0 in this process alone"
            ) from error
        return answers
