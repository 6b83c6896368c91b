"""One batch through all candidates at once: what they share is computed once, in bounded memory.

Candidates are walked depth first. Where paths part, the state is kept for the later ones, as far as it fits;
what does not fit is computed again from the nearest state that is kept. The states at the top are let go
first: fewer candidates come back to them, and they are wanted last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from search.autodd.gene_trie import Leaf
from search.nets.spec import Genes
from search.nets.stepped_net import State

# (state before, genes up to the step, whether this batch has met the step before) -> state after
Step = Callable[[State, Genes, bool], State]


class KeptStates:
    """States of one path by depth, in at most `limit_bytes`; tensors that several of them hold count once."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._states: dict[int, State] = {}

    def keep(self, depth: int, state: State) -> None:
        """Keep a state, and let others go from the top down until all fit; perhaps this one, too."""
        self._states[depth] = state
        while self.num_bytes > self._limit_bytes:
            del self._states[min(self._states)]

    def only(self, depths: frozenset[int]) -> None:
        """Let go of all states but those at `depths`."""
        self._states = {depth: state for depth, state in self._states.items() if depth in depths}

    def deepest(self, at_most: int) -> tuple[int, State] | None:
        """Return the deepest state that is not below depth `at_most`."""
        depth = max((depth for depth in self._states if depth <= at_most), default=None)
        return None if depth is None else (depth, self._states[depth])

    @property
    def num_bytes(self) -> int:
        tensors = {id(x): x for state in self._states.values() for x in _tensors(state)}
        return sum(x.numel() * x.element_size() for x in tensors.values())


def shared_pass(
    start: Tensor, leaves: Sequence[Leaf], step: Step, *, limit_bytes: int
) -> Iterator[tuple[Genes, State]]:
    """Yield every candidate with its state after the last step.

    Args:
        start: Input of the first step, (B, C, H, W).
        leaves: As `walk` orders them.
        step: Is called with `True` when it repeats what did not fit: then it may change nothing.
        limit_bytes: Memory for kept states, beside the one path that is being computed.
    """
    kept = KeptStates(limit_bytes)
    for leaf in leaves:
        depth, state = kept.deepest(leaf.shared) or (0, State(start))
        kept.only(leaf.resumed)
        for place in range(depth, len(leaf.genes)):
            state = step(state, leaf.genes[: place + 1], place < leaf.shared)
            if place + 1 in leaf.resumed:
                kept.keep(place + 1, state)
        yield leaf.genes, state


def _tensors(state: State) -> tuple[Tensor, ...]:
    return (state.x, *state.skips)
