"""A search whose two levels have losses of their own: L1 for the architecture, L2 for the weights.

Source: [D] Eq. 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from search.losses.class_loss import ClassLoss
from search.nasb.architect import Architect, Batch
from search.nasb.methods import Method
from search.nets.cell.architecture import Architecture, Relax
from search.nets.cell.supernet import CellSupernet
from search.nets.cell.weights import CellWeights


class TwoLevelArchitect(Architect):
    """An architect that learns A by one loss and the weights by another; they may be the same."""

    def __init__(
        self,
        net: CellSupernet,
        architecture: Architecture,
        method: Method,
        *,
        architecture_loss: ClassLoss,
        weights_loss: ClassLoss,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        super().__init__(net, architecture, method, loss=weights_loss, autocast=autocast)
        self._architecture_loss = architecture_loss
        self._validating: Batch | None = None

    def learn_architecture(self, train: Batch, valid: Batch, relax: Relax) -> None:
        self._validating = valid  # the second order looks at both batches in turns
        super().learn_architecture(train, valid, relax)
        self._validating = None

    def loss(self, batch: Batch, weights: Sequence[CellWeights]) -> Tensor:
        if batch is not self._validating:
            return super().loss(batch, weights)
        images, labels = batch
        with self._autocast():
            return self._architecture_loss(self.net(images, weights), labels)
