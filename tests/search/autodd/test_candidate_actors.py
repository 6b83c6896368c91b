"""Candidates on two processes have the outcomes of one, bit for bit; without the setting Ray is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.autodd.candidate_actors import ActorOptions, CandidateWorkerError, actor_pool
from search.autodd.candidate_stage import CandidateJob, open_candidates
from search.autodd.candidates import Candidates
from search.autodd.space import UNetSpace
from search.nets.detector import initialise
from search.nets.spec import Genes
from search.ray_cluster import connected
from search.training.feed import Batch, collate
from tests.search.conftest import make_samples, tiny_recipe

POPULATION: list[Genes] = [
    tuple(int(gene) for gene in np.random.default_rng(seed).integers(3, size=18)) for seed in range(8)
]


def job(compute: Mapping[str, Any]) -> CandidateJob:
    recipe = tiny_recipe(Path(), {"compute": compute, "evolution": {"drop": True}})
    space, samples = UNetSpace(2, 2), make_samples(6)
    supernet = space.build_supernet()
    initialise(supernet, "he", seed=0)

    def batch(epoch: int, defects: float) -> Batch:
        return collate([samples.draw((epoch, i), defect_probability=defects) for i in range(6)])

    validation = [batch(epoch, float(epoch < 2)) for epoch in range(6)]  # good ones lower a bound to the end
    return CandidateJob(recipe, space, [supernet], validation, [[batch(6, 0.5), batch(7, 0.5)]])


def no_note(_note: str) -> None:
    """Progress is of no interest here."""


@pytest.mark.timeout(400)  # starts a Ray cluster
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray's own files and sockets
def test_two_processes_decide_what_one_decides_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # Ray's own setting for unit tests
    with open_candidates(job({}), lambda _: 1.0) as one:
        expected = one.evaluate(POPULATION, [], no_note)
        facts = (one.part.chance, one.part.num_rounds, one.part.together)
    assert {outcome.fitness is None for outcome in expected} == {True, False}
    with connected(None, num_cpus=2) as ray:
        with open_candidates(job({"candidate_workers": 2}), lambda genes: 1.0 + genes.count(0)) as two:
            assert (two.part.chance, two.part.num_rounds, two.part.together) == facts
            assert two.evaluate(POPULATION, [], no_note) == expected
            whole = Candidates(two.part, top_k=2, drop=False).evaluate(POPULATION, [], no_note)
            assert [outcome.bound for outcome in whole if outcome.fitness is None] == []
            best = sorted(outcome.fitness for outcome in expected if outcome.fitness is not None)
            assert best[-2:] == sorted(outcome.bound for outcome in whole)[-2:]
        assert ray.is_initialized()  # whose Ray it was, keeps it
        with (
            pytest.raises(CandidateWorkerError, match=r"failed \(.*this part breaks.*candidate_workers: 0"),
            actor_pool(BreakingPart, ActorOptions(1, None, cuda=False), lambda _: 1.0) as pool,
        ):
            pool.begin(POPULATION)


class BreakingPart:
    """Stands for a worker that runs out of memory or loses its device."""

    chance, num_rounds, together = 0.1, 3, 1

    def begin(self, population: Sequence[Genes]) -> None:
        raise RuntimeError("this part breaks")

    def advance(self, population: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        return {}


def test_an_address_where_no_cluster_is_ends_in_one_sentence() -> None:
    # In a process of its own: where another test has left Ray running, no address is looked at.
    code = """
from search.ray_cluster import connected
from inspector.errors import InputError
try:
    with connected("nowhere", num_cpus=1):
        pass
except InputError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=300, capture_output=True, text=True
    )
    assert re.fullmatch(r"no Ray cluster answers at nowhere.*leave --ray-address out\n", said.stdout)


def test_ray_is_not_imported_unless_it_is_asked_for() -> None:
    code = (
        "import sys; import search.autodd.run, search.cli; "
        "sys.exit(any(name.split('.')[0] == 'ray' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
