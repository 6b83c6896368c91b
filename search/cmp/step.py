"""One step of the search: both gradients at the same w_t and G_t, and only then both updates.

Source: [D] Algorithm 1.
Differs from the source: nothing. The alternating algorithm 2 updates A before the gradient of w.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.optim import Optimizer

from search.cmp.mixture import Mixture
from search.cmp.passes import Batch, Losses
from search.cmp.sequential import Parallelism


def _nothing() -> None:
    pass


class SearchStep:
    """Algorithm 1 on any parallelism.

    Args:
        mix: Computes G_t from A and says how the stages are mixed with it (lines 3 and 4).
        before_update: Is called behind both gradients, for example to limit their norm.
        after_update: Is called behind both updates, for example to keep A within bounds.
    """

    def __init__(
        self,
        parallelism: Parallelism,
        mix: Callable[[], Mixture],
        *,
        weight_optimizer: Optimizer,
        architecture_optimizer: Optimizer,
        before_update: Callable[[], None] = _nothing,
        after_update: Callable[[], None] = _nothing,
    ) -> None:
        self._parallelism = parallelism
        self._mix = mix
        self._weight_optimizer = weight_optimizer
        self._architecture_optimizer = architecture_optimizer
        self._before_update = before_update
        self._after_update = after_update

    def learn(self, *, train: Batch, valid: Batch) -> Losses:
        """Take one step and return the losses before it; after an error weights and A are as they were.

        Raises:
            InputError, TrainingError: see `Parallelism.gradients`.
        """
        self._weight_optimizer.zero_grad()
        self._architecture_optimizer.zero_grad()
        mixture = self._mix()  # Lines 3, 4 of Alg. 1
        losses = self._parallelism.gradients(train=train, valid=valid, mixture=mixture)  # Lines 5, 6
        self._before_update()
        self._weight_optimizer.step()  # Line 7
        self._architecture_optimizer.step()  # Line 8
        self._after_update()
        return losses
