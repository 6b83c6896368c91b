"""The controller: an LSTM that decides a normal and a reduce cell, one choice after the other.

Source: Pham et al. (2018), Sec. 2.4, Fig. 3; sizes and temperatures of the published search on CIFAR-10.
Differs from the source: operations get no bias at the start; the cell's output is all of its nodes.

Shape letters:  H hidden size   S earlier nodes   O operations
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from search.enas.space import EDGES_PER_NODE, ENAS_OPERATIONS
from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype
from search.nets.cell.space import NUM_INPUTS, NUM_NODES, CellKind, OperationSet, inner_nodes

HIDDEN = 64
START_RANGE = 0.1
TEMPERATURE = 5.0
TANH_CONSTANT = 1.10  # logits stay within this, so that no choice is ever certain
OPERATION_TANH_REDUCE = 2.5  # operations are chosen more evenly still

Choose = Callable[[Tensor], int]  # log-probabilities (n,) -> which of the n


@dataclass(frozen=True)
class Decision:
    """What the controller decided; `log_prob` and `entropy` are sums over all choices, with a gradient."""

    genotype: Genotype
    log_prob: Tensor
    entropy: Tensor


def drawn(rng: np.random.Generator) -> Choose:
    """Choose by chance, with the probabilities that the controller gives."""

    def choose(log_p: Tensor) -> int:
        ends = np.cumsum(log_p.detach().double().exp().cpu().numpy())
        return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))

    return choose


def likeliest(log_p: Tensor) -> int:
    """Choose what is most probable."""
    return int(log_p.argmax())


class Controller(nn.Module):
    """`controller(choose)` makes all choices of two cells."""

    def __init__(
        self,
        operations: OperationSet = ENAS_OPERATIONS,
        *,
        num_nodes: int = NUM_NODES,
        hidden: int = HIDDEN,
        seed: int,
    ) -> None:
        super().__init__()
        self._operations = operations
        self._num_nodes = num_nodes
        self._hidden = hidden
        self.cell = nn.LSTMCell(hidden, hidden)
        self.start = nn.Parameter(torch.empty(1, hidden))
        self.key = nn.Linear(hidden, hidden, bias=False)  # of an earlier node
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        kinds: tuple[CellKind, ...] = ("normal", "reduce")
        self.choice = nn.ModuleDict({k: nn.Linear(hidden, len(operations.of(k))) for k in kinds})
        self.embedding = nn.ModuleDict({k: nn.Embedding(len(operations.of(k)), hidden) for k in kinds})
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -START_RANGE, START_RANGE, generator=generator)

    def forward(self, choose: Choose) -> Decision:
        walk = _Walk(self, choose)
        normal = walk.decide("normal")
        reduce = walk.decide("reduce")  # decided knowing the normal cell: the LSTM goes on
        return Decision(
            Genotype((normal,), (reduce,)),
            torch.stack(walk.log_probs).sum(),
            torch.stack(walk.entropies).sum(),
        )

    def earlier_node(self, h: Tensor, nodes: list[Tensor]) -> Tensor:
        """Return the log-probability of each earlier node, (S,)."""
        keys = self.key(torch.cat(nodes))
        logits = self.score(torch.tanh(self.query(h) + keys))[:, 0]
        return _tempered(logits, TANH_CONSTANT)

    def operation(self, h: Tensor, kind: CellKind) -> Tensor:
        """Return the log-probability of each operation, (O,)."""
        return _tempered(self.choice[kind](h)[0], TANH_CONSTANT / OPERATION_TANH_REDUCE)


class _Walk:
    """The LSTM under way from choice to choice."""

    def __init__(self, controller: Controller, choose: Choose) -> None:
        self._controller = controller
        self._choose = choose
        zero = torch.zeros_like(controller.start)
        self._state = (zero, zero)
        self.log_probs: list[Tensor] = []
        self.entropies: list[Tensor] = []

    def decide(self, kind: CellKind) -> CellGenotype:
        nodes = [self._run(self._controller.start) for _ in range(NUM_INPUTS)]
        chosen = []
        for _ in inner_nodes(self._controller._num_nodes):
            chosen.append(self._edges(kind, nodes))
            nodes.append(self._run(self._controller.start))
        return CellGenotype(tuple(chosen))

    def _edges(self, kind: CellKind, nodes: list[Tensor]) -> tuple[ChosenEdge, ...]:
        names = self._controller._operations.of(kind)
        embedding = self._controller.embedding[kind]
        x: Tensor = self._controller.start
        edges = []
        for _ in range(EDGES_PER_NODE):
            source = self._take(self._controller.earlier_node(self._run(x), nodes))
            number = self._take(self._controller.operation(self._run(nodes[source]), kind))
            x = embedding(torch.tensor([number], device=x.device))
            edges.append(ChosenEdge(names[number], source))
        return tuple(edges)

    def _run(self, x: Tensor) -> Tensor:
        self._state = self._controller.cell(x, self._state)
        return self._state[0]

    def _take(self, log_p: Tensor) -> int:
        number = self._choose(log_p)
        self.log_probs.append(log_p[number])
        self.entropies.append(-(log_p.exp() * log_p).sum())
        return number


def _tempered(logits: Tensor, limit: float) -> Tensor:
    return torch.log_softmax(limit * torch.tanh(logits / TEMPERATURE), dim=0)
