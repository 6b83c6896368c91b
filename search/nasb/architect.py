"""One iteration of a search: A learns from validation images, the weights from training images.

Source: [D] Algorithm 2, Sec. 3.3.1; DARTS; SNAS for the single loss.
Differs from the source: A of NASP and NASB begins at 0.5 and stays within 0 to 1, as in the published code of
both; Algorithm 2 says neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from inspector.errors import InputError, TrainingError
from search.nasb.methods import Method
from search.nasb.unrolled import unrolled_gradients
from search.nets.cell.architecture import Architecture, Relax
from search.nets.cell.supernet import CellSupernet
from search.nets.cell.weights import CellWeights

Batch = tuple[Tensor, Tensor]  # images (B, 3, H, W) and labels (B,)
Loss = Callable[[Tensor, Tensor], Tensor]  # logits (B, K), labels (B,) -> a scalar


@dataclass(frozen=True)
class Rates:
    """How the two optimisers learn; the defaults are [D] Sec. 3.3.1.

    `weights` falls to `weights_end` along a cosine.
    """

    weights: float = 0.025
    weights_end: float = 0.001
    momentum: float = 0.9
    decay: float = 3e-4
    max_grad_norm: float = 5.0
    architecture: float = 3e-4
    architecture_decay: float = 1e-3
    architecture_betas: tuple[float, float] = (0.5, 0.999)


class Architect:
    """A supernet, its architecture and their optimisers.

    Args:
        autocast: Makes the context of every forward pass.
    """

    def __init__(
        self,
        net: CellSupernet,
        architecture: Architecture,
        method: Method,
        *,
        rates: Rates = Rates(),
        loss: Loss = F.cross_entropy,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.net, self.architecture, self.method = net, architecture, method
        self.rates, self._loss, self._autocast = rates, loss, autocast
        self.weights_optimizer = torch.optim.SGD(
            net.parameters(), lr=rates.weights, momentum=rates.momentum, weight_decay=rates.decay
        )
        self.architecture_optimizer = torch.optim.Adam(
            architecture.parameters(),
            lr=rates.architecture,
            betas=rates.architecture_betas,
            weight_decay=rates.architecture_decay,
        )

    def learn(self, train: Batch, valid: Batch, *, rate: float, progress: float) -> Tensor:
        """Take one iteration and return the training loss.

        Args:
            valid: Not looked at by a method with a single loss.
            rate: Of the weights, this time.
            progress: Of the whole search, 0 to 1.

        Raises:
            InputError: the two batches are not of one size.
            TrainingError: a loss is not a number; nothing has learned from it.
        """
        if len(train[0]) != len(valid[0]):
            raise InputError(
                f"the training batch has {len(train[0])} images, the validation batch {len(valid[0])}; both "
                "must be of one size, one that both halves of the data can fill"
            )
        for group in self.weights_optimizer.param_groups:
            group["lr"] = rate
        relax = self.method.relaxation(progress)
        if self.method.order == "single":
            return self._learn_both(train, relax)
        self.learn_architecture(train, valid, relax)
        return self.learn_weights(train, relax)

    def learn_architecture(self, train: Batch, valid: Batch, relax: Relax) -> None:
        """Lines 3 to 6 of Algorithm 2."""
        of = list(self.architecture.parameters())
        if self.method.order == "second":
            gradients, loss = unrolled_gradients(
                lambda: self.loss(train, self.architecture.weights(relax)),
                lambda: self.loss(valid, self.architecture.weights(relax)),
                of,
                self.weights_optimizer,
            )
        else:
            loss = self.loss(valid, self.architecture.weights(relax))
            gradients = list(torch.autograd.grad(loss, of))
        _require_number(loss, "validation")
        self._step_architecture(gradients)

    def learn_weights(self, train: Batch, relax: Relax) -> Tensor:
        """Lines 7 to 10 of Algorithm 2; weights that the loss does not reach stay as they are."""
        self.weights_optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            weights = self.architecture.weights(relax)
        loss = self.loss(train, weights)
        _require_number(loss, "training")
        torch.autograd.backward(loss)
        self._step_weights()
        return loss.detach()

    def loss(self, batch: Batch, weights: Sequence[CellWeights]) -> Tensor:
        """Return the loss of one pass."""
        images, labels = batch
        with self._autocast():
            return self._loss(self.net(images, weights), labels)

    def state_dict(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "architecture": self.architecture.state_dict(),
            "weights_optimizer": self.weights_optimizer.state_dict(),
            "architecture_optimizer": self.architecture_optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.architecture.load_state_dict(state["architecture"])
        self.weights_optimizer.load_state_dict(state["weights_optimizer"])
        self.architecture_optimizer.load_state_dict(state["architecture_optimizer"])

    def _learn_both(self, train: Batch, relax: Relax) -> Tensor:
        self.weights_optimizer.zero_grad(set_to_none=True)
        self.architecture_optimizer.zero_grad(set_to_none=True)
        loss = self.loss(train, self.architecture.weights(relax))
        _require_number(loss, "training")
        torch.autograd.backward(loss)
        self._step_weights()
        self.architecture_optimizer.step()
        return loss.detach()

    def _step_weights(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.rates.max_grad_norm)
        self.weights_optimizer.step()

    def _step_architecture(self, gradients: Sequence[Tensor]) -> None:
        for parameter, grad in zip(self.architecture.parameters(), gradients, strict=True):
            parameter.grad = grad
        self.architecture_optimizer.step()
        if self.method.clips:
            with torch.no_grad():
                for parameter in self.architecture.parameters():
                    parameter.clamp_(0.0, 1.0)


def _require_number(loss: Tensor, which: str) -> None:
    if not bool(torch.isfinite(loss)):
        raise TrainingError(
            f"the {which} loss is {float(loss.detach())}, not a number; lower the learning rate of the "
            "weights, or begin again with another seed"
        )
