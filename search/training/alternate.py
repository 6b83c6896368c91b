"""A training that learns an architecture too: in turns with the weights, from samples of its own.

Source: DARTS (ICLR 2019), first order; Weng et al. (2019) and its published configuration.
Differs from the source: it counts steps, not epochs, and stops after all of them; the published code can stop
once the derived cells no longer change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from search.losses.segmentation import LossTerms, detector_loss
from search.nets.peers.nas_unet_supernet import Architecture
from search.training.feed import Batch, SyntheticSamples, training_feed
from search.training.fit import Fit, FitPlan

ARCHITECTURE_RATE, ARCHITECTURE_DECAY = 3e-4, 5e-3
ARCHITECTURE_BETAS = (0.5, 0.999)
WEIGHTS_FIRST = 1 / 30  # share of the steps before the architecture begins to learn: 10 of 300 epochs


class AlternatingFit(Fit):
    """Before every step of the weights, the architecture takes one, on a batch of its own samples."""

    def __init__(
        self,
        net: nn.Module,
        samples: SyntheticSamples,
        plan: FitPlan,
        *,
        fabric: Fabric,
        architecture: Architecture,
        architecture_samples: SyntheticSamples,
    ) -> None:
        self._architecture = architecture.to(fabric.device)
        self._architecture_samples = architecture_samples
        self._architecture_feed: Iterator[Batch] | None = None
        self._architecture_optimizer = torch.optim.Adam(
            architecture.parameters(),
            lr=ARCHITECTURE_RATE,
            betas=ARCHITECTURE_BETAS,
            weight_decay=ARCHITECTURE_DECAY,
        )
        super().__init__(net, samples, replace(plan, forward=self._forward), fabric=fabric)

    def learn(self, batch: Batch) -> tuple[LossTerms, float]:
        if self._step >= WEIGHTS_FIRST * self._plan.num_steps:
            self._learn_architecture()
        return super().learn(batch)

    def _forward(self, net: nn.Module, image: Tensor, _step: int) -> tuple[Tensor | None, Tensor]:
        weights = {key: weight.detach() for key, weight in self._architecture.weights().items()}
        return _run(net, image, weights)

    def _learn_architecture(self) -> None:
        batch = next(self._next_batches()).to(self._fabric.device)
        reconstruction, logits = _run(self._model, batch.image, self._architecture.weights())
        loss = detector_loss(reconstruction, logits, batch.target, batch.mask, self._plan.loss).total
        parameters = list(self._architecture.parameters())
        for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = grad
        self._architecture_optimizer.step()

    def _next_batches(self) -> Iterator[Batch]:
        """Return the architecture's batches from this step on: those of a step are its own after a resume."""
        if self._architecture_feed is None:
            plan = self._plan
            self._architecture_feed = training_feed(
                self._architecture_samples,
                first_step=self._step,
                num_steps=plan.num_steps,
                batch_size=plan.recipe.batch_size,
                seed=plan.seed,
                workers=plan.compute.workers,
            )
        return self._architecture_feed

    def _more_state(self) -> dict[str, Any]:
        return {
            "architecture": self._architecture.state_dict(),
            "architecture_optimizer": self._architecture_optimizer.state_dict(),
        }

    def _load_more_state(self, state: dict[str, Any]) -> None:
        self._architecture.load_state_dict(state["architecture"])
        self._architecture_optimizer.load_state_dict(state["architecture_optimizer"])


def _run(net: nn.Module, image: Tensor, weights: Mapping[Any, Tensor]) -> tuple[Tensor | None, Tensor]:
    output: tuple[Tensor | None, Tensor] = net(image, weights)
    return output
