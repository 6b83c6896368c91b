"""Searches of several processes: the gradients of a step are those of one process on the whole batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from inspector.errors import InspectorError, TrainingError
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.data_parallel import DataParallel
from search.cmp.partition import cut
from search.cmp.passes import Losses
from search.cmp.pipeline import PipelineParallel
from search.cmp.ranks import on_ranks, sum_over_ranks
from search.cmp.sequential import ModelParallel
from tests.search.cmp.tiny_supernet import TinySupernet, batch, criterion

pytestmark = pytest.mark.slow  # two processes import torch for each launch

CPU = torch.device("cpu")
DOUBLE = torch.float64
Found = dict[str, tuple[Losses, list[np.ndarray]]]


def work_on_rank(fabric: Fabric) -> tuple[Found, list[str]]:
    """One launch for all: to start processes takes longest."""
    return gradients_on_rank(fabric), failures_on_rank(fabric)


def gradients_on_rank(fabric: Fabric) -> Found:
    """Return what each parallelism of two ranks finds; each network is fresh from the same seed."""
    found: Found = {}
    for name in ("data", "data x consecutive", "pipeline", "pipeline of chunks"):
        net = TinySupernet(dtype=DOUBLE)
        pieces: Sequence[torch.nn.Parameter] = net.everything()
        if name.startswith("data"):
            inner = (
                ModelParallel(cut(net.stages, [CPU]), criterion)
                if name == "data"
                else ConsecutiveParallel(cut(net.stages, [CPU, CPU]), criterion)
            )
            losses, grads = taken(DataParallel(inner, pieces, fabric), net)
        else:
            pipeline = PipelineParallel(net.stages, criterion, fabric, num_chunks=1 + 3 * (name[-1] == "s"))
            losses, grads = taken(pipeline, net)
            # The weights of a partition have gradients on their own rank alone.
            grads = [*sum_over_ranks(grads[:-1], fabric), grads[-1]]
        found[name] = losses, [grad.numpy() for grad in grads]
    return found


def taken(parallelism: DataParallel | PipelineParallel, net: TinySupernet) -> tuple[Losses, list[Tensor]]:
    losses = parallelism.gradients(
        train=batch(1, dtype=DOUBLE), valid=batch(2, dtype=DOUBLE), mixture=net.mix()
    )
    parallelism.close()
    return losses, [
        torch.zeros_like(one) if one.grad is None else one.grad.clone() for one in net.everything()
    ]


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """A spawned process takes over the path, and imports this file by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[3]))
        yield


@pytest.fixture(scope="module")
def ended() -> tuple[Found, list[str]]:
    return on_ranks(work_on_rank, [CPU, CPU])


@pytest.mark.parametrize("name", ["data", "data x consecutive", "pipeline", "pipeline of chunks"])
def test_two_processes_find_the_gradients_of_one(name: str, ended: tuple[Found, list[str]]) -> None:
    found, _ = ended
    net = TinySupernet(dtype=DOUBLE)
    whole = ModelParallel(cut(net.stages, [CPU]), criterion)
    train, valid = batch(1, dtype=DOUBLE), batch(2, dtype=DOUBLE)
    losses = whole.gradients(train=train, valid=valid, mixture=net.mix())
    assert found[name][0].train == pytest.approx(losses.train, rel=1e-12)
    assert found[name][0].valid == pytest.approx(losses.valid, rel=1e-12)
    for mine, parameter in zip(found[name][1], net.everything(), strict=True):
        assert parameter.grad is not None
        np.testing.assert_allclose(mine, parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


def failures_on_rank(fabric: Fabric) -> list[str]:
    """Return what the first rank is told where the last sample is bad, which is in the share of the other."""
    net = TinySupernet()
    parallelism = DataParallel(ModelParallel(cut(net.stages, [CPU]), criterion), net.everything(), fabric)
    bad, odd = batch(1), batch(1, size=7)
    bad.inputs[-1] = float("nan")
    told = []
    for train, valid in ((bad, batch(2)), (odd, odd)):
        with pytest.raises(InspectorError, match=r"samples|failed|is nan") as error:
            parallelism.gradients(train=train, valid=valid, mixture=net.mix())
        told.append(str(error.value))
    if fabric.global_rank == 1:
        assert "rank 1: the training loss is nan" in told[0]
    return told


def test_all_processes_end_a_step_in_which_one_failed(ended: tuple[Found, list[str]]) -> None:
    _, told = ended
    assert "1 other processes of the search failed" in told[0]
    assert "a batch of 7 samples cannot be shared evenly among 2 processes" in told[1]


def die_on_rank(fabric: Fabric) -> None:
    if fabric.global_rank == 1:
        raise KeyError("lost")
    fabric.barrier()


def test_a_process_that_dies_takes_the_search_with_it() -> None:
    with pytest.raises(TrainingError, match="one of 2 processes of the search died: KeyError: 'lost'"):
        on_ranks(die_on_rank, [CPU, CPU])


def test_an_error_that_all_processes_agree_on_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_fabric: Fabric) -> None:
        raise TrainingError("no data")

    # In this process: what is tested is that the error comes back as an answer, not as a process that died.
    monkeypatch.setattr(Fabric, "launch", lambda fabric, work: work(fabric))
    with pytest.raises(TrainingError, match=r"^no data$"):
        on_ranks(refuse, [CPU])
