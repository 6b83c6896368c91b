"""A training that learns an architecture too: in turns with the weights, from samples of its own.

Source: DARTS (ICLR 2019), first order; Weng et al. (2019) and its published configuration.
Differs from the source: it counts steps, not epochs, and stops after all of them; the published code can stop
once the derived cells no longer change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from search.losses.segmentation import LossTerms, detector_loss
from search.nets.learnt_architecture import LearntArchitecture
from search.training.feed import Batch, SyntheticSamples, training_feed
from search.training.fit import Fit, FitPlan

BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class ArchitecturePlan:
    """How an architecture learns; the numbers are those of NAS-UNet's published configuration.

    Args:
        weights_first: Share of the steps before it begins to learn: 10 of 300 epochs.
    """

    learning_rate: float = 3e-4
    weight_decay: float = 5e-3
    weights_first: float = 1 / 30


class AlternatingFit(Fit):
    """Before every step of the weights, the architecture takes one, on a batch of its own samples."""

    def __init__(
        self,
        net: nn.Module,
        samples: SyntheticSamples,
        plan: FitPlan,
        *,
        fabric: Fabric,
        architecture: LearntArchitecture,
        architecture_samples: SyntheticSamples,
        architecture_plan: ArchitecturePlan = ArchitecturePlan(),
    ) -> None:
        self._architecture = architecture.to(fabric.device)
        self._first_architecture_step = architecture_plan.weights_first * plan.num_steps
        self._architecture_samples = architecture_samples
        self._architecture_feed: Iterator[Batch] | None = None
        self._architecture_optimizer = torch.optim.Adam(
            architecture.parameters(),
            lr=architecture_plan.learning_rate,
            betas=BETAS,
            weight_decay=architecture_plan.weight_decay,
        )
        super().__init__(net, samples, replace(plan, forward=self._forward), fabric=fabric)

    def learn(self, batch: Batch) -> tuple[LossTerms, float]:
        if self._step >= self._first_architecture_step:
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
        self._architecture.after_step()

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
