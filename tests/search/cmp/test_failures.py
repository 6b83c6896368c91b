"""What a user or a device can do wrong ends in one clear sentence, and changes neither weights nor A."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import InputError, TrainingError
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.devices import find_devices
from search.cmp.partition import State, cut, even_sizes
from search.cmp.passes import Batch, Criterion
from search.cmp.sequential import ModelParallel, Parallelism
from search.cmp.step import SearchStep
from tests.search.cmp.tiny_supernet import TinySupernet, batch, criterion

CPU = torch.device("cpu")
Make = Callable[..., Parallelism]
PATIENCE_S = 300  # a hang lasts for ever; a busy machine needs minutes to import torch


@pytest.fixture(params=["sequential", "consecutive"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a parallelism of two partitions, of two and three stages, in either way."""
    made: list[Parallelism] = []

    def begin(stages: Sequence[nn.Module], loss: Criterion = criterion) -> Parallelism:
        partitions = cut(stages, [CPU, CPU], sizes=(2, 3))
        way = ModelParallel if request.param == "sequential" else ConsecutiveParallel
        made.append(way(partitions, loss))
        return made[-1]

    yield begin
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "name a device a partition"),
        (["cpu", "gpu"], "'gpu' is no device"),
        (["meta"], "partitions run on cpu and cuda, not on 'meta'"),
        (["cpu", "cuda:64"], "there is no CUDA device cuda:64"),
    ],
)
def test_devices_that_are_not_there(names: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_devices(names)


def test_a_device_may_be_named_twice() -> None:
    assert find_devices(["cpu", " cpu"]) == [CPU, CPU]


def test_more_partitions_than_stages() -> None:
    with pytest.raises(InputError, match=r"6 partitions of 5 stages.*name 1 to 5 devices"):
        cut(TinySupernet().stages, [CPU] * 6)


@pytest.mark.parametrize("sizes", [(5,), (2, 2), (5, 0), (1, 2, 2)])
def test_sizes_that_do_not_share_out_the_stages(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="do not share out 5 stages to 2 devices"):
        cut(TinySupernet().stages, [CPU, CPU], sizes=sizes)


@pytest.mark.parametrize(("num_partitions", "sizes"), [(1, (5,)), (2, (3, 2)), (3, (2, 2, 1)), (5, (1,) * 5)])
def test_partitions_are_as_even_as_their_number_allows(num_partitions: int, sizes: tuple[int, ...]) -> None:
    assert even_sizes(5, num_partitions) == sizes


def test_a_weight_that_two_partitions_share() -> None:
    stages = TinySupernet().stages
    with pytest.raises(InputError, match=r"partition 0 .* and partition 1 .* share a weight of shape \(6"):
        cut([stages[1], stages[1]], [CPU, CPU])


def test_loaders_of_different_batch_sizes(make: Make) -> None:
    net = TinySupernet()
    with pytest.raises(InputError, match="training batch holds 8 samples and the validation batch 5"):
        make(net.stages).gradients(train=batch(1), valid=batch(2, size=5), mixture=net.mix())


class Broken(nn.Module):
    """A stage that fails in its forward or, by a hook, in its backward pass, from the call `after` on."""

    def __init__(self, stage: nn.Module, error: Exception, *, backward: bool = False, after: int = 0) -> None:
        super().__init__()
        self.stage = stage
        self.error = error
        self.backward = backward
        self.left = after

    def forward(self, state: State, gate: Tensor | None) -> State:
        self.left -= 1
        if self.left >= 0:
            return self.stage(state, gate)  # type: ignore[no-any-return]
        if not self.backward:
            raise self.error
        outputs: State = self.stage(state, gate)
        outputs[-1].register_hook(self._fail)  # type: ignore[no-untyped-call]
        return outputs

    def _fail(self, _grad: Tensor) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("stage", "error", "backward", "said"),
    [
        (
            1,
            ValueError("no good"),
            False,
            r"partition 0 \(stages 0 to 1, cpu\) failed in F_A: ValueError: no",
        ),
        (3, ValueError("no good"), True, r"partition 1 \(stages 2 to 4, cpu\) failed in B_[Aw]: ValueError"),
        (
            1,
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nDetails"),
            False,
            r"partition 0 .*: out of memory \(CUDA out of memory. Tried to allocate 2 GiB.\); take a smaller",
        ),
        (
            0,
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried"),
            False,
            r"partition 0 .*: out of memory",
        ),
        (
            4,
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
            r"partition 1 .*: out of memory .*take a smaller batch",
        ),
    ],
)
def test_a_failing_stage_is_told_by_its_partition_and_nothing_is_updated(
    make: Make, stage: int, error: Exception, backward: bool, said: str
) -> None:
    net, untouched = TinySupernet(), TinySupernet()
    stages = [*net.stages]
    stages[stage] = Broken(stages[stage], error, backward=backward)
    step = search_step(net, make(stages))
    with pytest.raises(TrainingError, match=said):
        step.learn(train=batch(1), valid=batch(2))
    assert_same(net, untouched)


def test_a_step_behind_a_failed_one_is_as_if_nothing_had_happened(make: Make) -> None:
    net, same = TinySupernet(), TinySupernet()
    stages = [*net.stages]
    broken = Broken(stages[3], ValueError("once"), after=1)
    stages[3] = broken
    step = search_step(net, make(stages))
    with pytest.raises(TrainingError, match="failed in F_w: ValueError: once"):
        step.learn(train=batch(1), valid=batch(2))
    broken.left = 2
    step.learn(train=batch(1), valid=batch(2))
    search_step(same, make(same.stages)).learn(train=batch(1), valid=batch(2))
    assert_same(net, same)


@pytest.mark.parametrize(("seed", "which"), [(1, "training"), (2, "validation")])
def test_a_loss_that_is_no_number_updates_nothing(make: Make, seed: int, which: str) -> None:
    net, untouched = TinySupernet(), TinySupernet()
    batches = {number: batch(number) for number in (1, 2)}
    bad = batches[seed].inputs.clone()
    bad[0, 0] = float("nan")
    batches[seed] = Batch(bad, batches[seed].target)
    step = search_step(net, make(net.stages))
    with pytest.raises(TrainingError, match=f"the {which} loss is nan; neither weights nor architecture"):
        step.learn(train=batches[1], valid=batches[2])
    assert_same(net, untouched)


def search_step(net: TinySupernet, parallelism: Parallelism) -> SearchStep:
    return SearchStep(
        parallelism,
        net.mix,
        weight_optimizer=torch.optim.SGD(net.weights(), lr=0.1),
        architecture_optimizer=torch.optim.SGD([net.architecture], lr=0.1),
    )


def assert_same(net: TinySupernet, other: TinySupernet) -> None:
    for parameter, expected in zip(net.everything(), other.everything(), strict=True):
        assert torch.equal(parameter, expected)


SLOW_SEARCH = """
import sys, time
import torch
from torch import nn
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.partition import cut
from tests.search.cmp.tiny_supernet import TinySupernet, batch, criterion

class Slow(nn.Module):
    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def forward(self, state, gate):
        print("begun", flush=True)
        time.sleep(0.5)
        return self.stage(state, gate)

net = TinySupernet()
net.stages[1] = Slow(net.stages[1])
{use}
"""
STEPS = "for _ in range(100): cmp.gradients(train=batch(1), valid=batch(2), mixture=net.mix())"
MAKE = "ConsecutiveParallel(cut(net.stages, [torch.device('cpu')] * 3), criterion)"


@pytest.mark.parametrize(
    ("signal_number", "use"),
    [
        (signal.SIGINT, f"with {MAKE} as cmp:\n    {STEPS}"),
        (signal.SIGINT, f"cmp = {MAKE}\n{STEPS}"),  # nobody closes it
        (signal.SIGTERM, f"with {MAKE} as cmp:\n    {STEPS}"),
        (signal.SIGKILL, f"with {MAKE} as cmp:\n    {STEPS}"),
    ],
)
def test_a_search_killed_in_the_middle_of_a_step_ends(signal_number: signal.Signals, use: str) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", SLOW_SEARCH.replace("{use}", use)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal_number
    assert (b"KeyboardInterrupt" in errors) == (signal_number is signal.SIGINT)


def test_an_idle_engine_that_nobody_closes_lets_the_process_end() -> None:
    code = SLOW_SEARCH.replace("{use}", f"cmp = {MAKE}\n{STEPS.replace('100', '1')}\nsys.exit(7)")
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], timeout=PATIENCE_S, capture_output=True
    )
    assert ended.returncode == 7, ended.stderr.decode()
