"""The search of cells with Algorithm 1's step on any parallelism, in place of Algorithm 2's on one device.

Source: [D] Algorithm 1, Sec. 3.3.1 (optimisers).
Differs from the source: gradients of weights are clipped and A stays within 0 to 1, as in `Architect`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inspector.errors import InputError
from search.cmp.cells import mixture_of
from search.cmp.mixture import Mixture
from search.cmp.passes import Batch
from search.cmp.sequential import Parallelism
from search.cmp.step import SearchStep
from search.nasb.architect import Architect, Rates
from search.nasb.architect import Batch as ImagesAndLabels
from search.nasb.methods import Method
from search.nets.cell.architecture import Architecture
from search.nets.cell.supernet import CellSupernet


class ParallelArchitect(Architect):
    """A supernet that learns on several devices.

    Args:
        parallelize: Cuts the supernet and moves its parts to their devices; called before the first step, or
            before a checkpoint is loaded, so that what an optimiser keeps lies beside its weights.
        clip: Limits the norm of the gradients of all weights; None: those of this process are all there are.

    Raises:
        InputError: a method that learns other than from two losses at the same A and w.
    """

    def __init__(
        self,
        net: CellSupernet,
        architecture: Architecture,
        method: Method,
        *,
        parallelize: Callable[[], Parallelism],
        clip: Callable[[float], None] | None = None,
        rates: Rates = Rates(),
    ) -> None:
        if method.order != "first":
            raise InputError(
                f"{method.label} does not learn from two losses at the same weights; choose darts-1, nasp, "
                "pc-darts or nasb"
            )
        super().__init__(net, architecture, method, rates=rates)
        self._parallelize = parallelize
        self._clip = clip or self._clip_here
        self._step: SearchStep | None = None
        self._parallelism: Parallelism | None = None
        self._progress = 0.0

    def learn(
        self, train: ImagesAndLabels, valid: ImagesAndLabels, *, rate: float, progress: float
    ) -> Tensor:
        for group in self.weights_optimizer.param_groups:
            group["lr"] = rate
        self._progress = progress
        losses = self._begun().learn(train=Batch(*train), valid=Batch(*valid))
        return torch.tensor(losses.train)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._begun()
        super().load_state_dict(state)

    def close(self) -> None:
        """Give back the threads of the parallelism."""
        if self._parallelism is not None:
            self._parallelism.close()

    def _begun(self) -> SearchStep:
        if self._step is None:
            self._parallelism = self._parallelize()
            self._step = SearchStep(
                self._parallelism,
                self._mix,
                weight_optimizer=self.weights_optimizer,
                architecture_optimizer=self.architecture_optimizer,
                before_update=lambda: self._clip(self.rates.max_grad_norm),
                after_update=self._keep_in_range,
            )
        return self._step

    def _mix(self) -> Mixture:
        relax = self.method.relaxation(self._progress)
        return mixture_of(self.net.stages(), self.architecture.weights(relax))

    def _clip_here(self, max_norm: float) -> None:
        nn.utils.clip_grad_norm_(self.net.parameters(), max_norm)

    @torch.no_grad()
    def _keep_in_range(self) -> None:
        if self.method.clips:
            for parameter in self.architecture.parameters():
                parameter.clamp_(0.0, 1.0)
