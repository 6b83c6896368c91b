"""A supernet that is no cell network: five stages that hand on a pair, two gated operations each, one A."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.cmp.mixture import Gates, Mixture
from search.cmp.partition import State
from search.cmp.passes import Batch

NUM_STAGES = 5
WIDTH = 6


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, WIDTH)

    def forward(self, state: State, gate: Tensor | None) -> State:
        assert gate is None
        features = self.linear(state[0])
        return features, features


class Cell(nn.Module):
    """(s0, s1) -> (s1, output): skips a cell as those of the cell space do."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(WIDTH, WIDTH)
        self.operations = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH, bias=False)])

    def forward(self, state: State, gate: Tensor | None) -> State:
        assert gate is not None
        s0, s1 = state
        x = torch.tanh(self.before(s0) + s1)
        return s1, gate[0] * self.operations[0](x) + gate[1] * torch.relu(self.operations[1](x))


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, 3)

    def forward(self, state: State, gate: Tensor | None) -> State:
        assert gate is None
        return (self.linear(state[0] + state[1]),)


class TinySupernet:
    """The stages and A, whose softmax all three cells share."""

    def __init__(self, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(seed)
        self.stages: list[nn.Module] = [Stem(), Cell(), Cell(), Cell(), Head()]
        for stage in self.stages:
            stage.to(dtype)
        self.architecture = nn.Parameter(torch.tensor([0.3, -0.2], dtype=dtype))

    def mix(self) -> Mixture:
        return Mixture((torch.softmax(self.architecture, dim=0),), bind)

    def weights(self) -> list[nn.Parameter]:
        return [weight for stage in self.stages for weight in stage.parameters()]

    def everything(self) -> list[nn.Parameter]:
        return [*self.weights(), self.architecture]

    def forward(self, inputs: Tensor) -> State:
        """Run it undivided."""
        state: State = (inputs,)
        mixture = self.mix()
        for stage, argument in zip(self.stages, bind(mixture.gates), strict=True):
            state = stage(state, argument)
        return state


def bind(gates: Gates) -> Sequence[Tensor | None]:
    return [None, gates[0], gates[0], gates[0], None]


def criterion(state: State, target: Tensor) -> Tensor:
    return F.cross_entropy(state[0], target)


def batch(seed: int, *, size: int = 8, dtype: torch.dtype = torch.float32) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        torch.randn(size, 4, generator=generator, dtype=dtype),
        torch.randint(0, 3, (size,), generator=generator),
    )
