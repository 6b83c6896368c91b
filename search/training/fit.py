"""The one training loop, for every network: resumable at any step, with the same end bit for bit.

Source: [D] Sec. 5.3.1; DRAEM's training, without its per-step transfers to the CPU.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from inspector.errors import TrainingError
from search.losses.segmentation import LossTerms, LossWeights, detector_loss
from search.recipe import ComputeRecipe, TrainingRecipe
from search.training.checkpoint import load_checkpoint_of, save_checkpoint
from search.training.device import for_convolutions
from search.training.feed import Batch, SyntheticSamples, training_feed
from search.training.schedule import rate_factor

Forward = Callable[[nn.Module, Tensor, int], tuple[Tensor | None, Tensor]]


@dataclass(frozen=True)
class StepReport:
    """One logged step: mean losses since the last report, and how fast it goes."""

    step: int
    loss: float
    l2: float
    ssim: float
    focal: float
    lr: float
    steps_per_s: float


def plain_forward(net: nn.Module, image: Tensor, _step: int) -> tuple[Tensor | None, Tensor]:
    """Run a network that has one path only."""
    output: tuple[Tensor | None, Tensor] = net(image)
    return output


@dataclass(frozen=True)
class FitPlan:
    """All that decides a training except the network and its samples."""

    recipe: TrainingRecipe
    loss: LossWeights
    compute: ComputeRecipe
    seed: int
    num_steps: int
    checkpoint: Path
    forward: Forward = plain_forward


class Fit:
    """A training under way: `run()` brings it to its end from wherever a checkpoint left it."""

    def __init__(self, net: nn.Module, samples: SyntheticSamples, plan: FitPlan, *, fabric: Fabric) -> None:
        self._samples = samples
        self._plan = plan
        self._fabric = fabric
        recipe = plan.recipe
        self.net = for_convolutions(net).to(fabric.device)
        make = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
        optimizer = make(
            self.net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self._model, self._optimizer = fabric.setup(self.net, optimizer)
        self._average: AveragedModel | None = None
        if recipe.ema_decay:
            self._average = AveragedModel(
                self.net,
                multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay),  # type: ignore[no-untyped-call]
                use_buffers=True,
            )
        self._step = 0
        self._seconds = 0.0
        self._meter = _Meter(0)
        self._restore()

    @property
    def is_finished(self) -> bool:
        return self._step >= self._plan.num_steps

    @property
    def first_step(self) -> int:
        return self._step

    def run(
        self,
        on_step: Callable[[int], None],
        on_report: Callable[[StepReport], None],
        *,
        until: int | None = None,
    ) -> float:
        """Train to the last step and return the seconds spent, those before a resume included.

        Args:
            until: Stop after this step already, with a checkpoint; the next call goes on there, as if there
                had been no stop.

        Raises:
            TrainingError: the loss is not a number.
        """
        plan = self._plan
        last = plan.num_steps if until is None else min(until, plan.num_steps)
        self._model.train()
        meter = self._meter
        before_s, started_s = self._seconds, time.perf_counter()
        for batch in self._feed(last):
            terms, rate = self.learn(batch)
            meter.add(terms)
            if self._step % plan.compute.log_steps == 0 or self.is_finished:
                meter.average_over_ranks(self._fabric)
                on_report(meter.report(self._step, rate))
            self._seconds = before_s + time.perf_counter() - started_s
            if self._step % plan.compute.checkpoint_steps == 0 or self._step == last:
                meter.average_over_ranks(self._fabric)
                meter.check(self._step, rate)
                self._save()
            on_step(self._step)
        return self._seconds

    def weights(self) -> nn.Module:
        """Return the trained network in evaluation mode: the moving average if the recipe keeps one."""
        if self._average is not None:
            averaged: nn.Module = self._average.module.eval()
            return averaged
        return self.net.eval()

    def _feed(self, last: int) -> Iterator[Batch]:
        plan = self._plan
        return training_feed(
            self._samples,
            first_step=self._step,
            num_steps=last,
            batch_size=plan.recipe.batch_size,
            seed=plan.seed,
            workers=plan.compute.workers,
            rank=self._fabric.global_rank,
            num_ranks=self._fabric.world_size,
        )

    def learn(self, batch: Batch) -> tuple[LossTerms, float]:
        """Take the next optimiser step; returns the loss terms and the learning rate that was used."""
        plan = self._plan
        rate = plan.recipe.learning_rate * rate_factor(
            self._step, num_steps=plan.num_steps, recipe=plan.recipe
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = batch.to(self._fabric.device)
        self._optimizer.zero_grad(set_to_none=True)
        reconstruction, logits = plan.forward(self._model, batch.image, self._step)
        terms = detector_loss(reconstruction, logits, batch.target, batch.mask, plan.loss)
        self._fabric.backward(terms.total)
        self._optimizer.step()
        if self._average is not None:
            self._average.update_parameters(self.net)
        self._step += 1
        return terms, rate

    def _save(self) -> None:
        self._average_buffers_over_ranks()
        if not self._fabric.is_global_zero:
            return
        state = {
            "step": self._step,
            "seconds": self._seconds,
            "num_steps": self._plan.num_steps,
            "net": self.net.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state_dict() if self._average is not None else None,
            "meter": self._meter.state_dict(),
            **self._more_state(),
        }
        save_checkpoint(self._plan.checkpoint, state)

    def _average_buffers_over_ranks(self) -> None:
        """Give every rank the mean of the BN statistics, which each has measured on its share of the batches.

        They are moving averages, so that averaging them now is the same as averaging them at every step.
        """
        if self._fabric.world_size == 1:
            return
        nets = [self.net] if self._average is None else [self.net, self._average.module]
        for buffer in (buffer for net in nets for buffer in net.buffers() if buffer.is_floating_point()):
            buffer.copy_(mean_over_ranks(buffer, self._fabric))

    def _restore(self) -> None:
        plan = self._plan
        state = load_checkpoint_of(
            plan.checkpoint, plan.num_steps, key="num_steps", what="a training of {} steps"
        )
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._step = state["step"]
        self._seconds = state["seconds"]
        self._meter = _Meter(**state.get("meter", {"step": self._step}))
        self._load_more_state(state)

    def _more_state(self) -> dict[str, Any]:
        """Return what a training of another kind has to keep besides."""
        return {}

    def _load_more_state(self, state: dict[str, Any]) -> None:
        """Take back what `_more_state` gave."""


def mean_over_ranks(value: Tensor, fabric: Fabric) -> Tensor:
    """Return the mean of what every rank has; every rank has to call it."""
    mean = fabric.all_reduce(value, reduce_op="mean")
    assert isinstance(mean, Tensor)
    return mean


class _Meter:
    """Sums losses on the device and reads them only when a report or a checkpoint is due."""

    def __init__(self, step: int, sums: Tensor | None = None) -> None:
        self._step = step
        self._sums = sums
        self._num_timed = 0
        self._started_s = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        return {"step": self._step, "sums": self._sums}

    def add(self, terms: LossTerms) -> None:
        values = torch.stack([terms.total, terms.l2, terms.ssim, terms.focal]).detach()
        self._sums = values if self._sums is None else self._sums.to(values.device) + values
        self._num_timed += 1

    def average_over_ranks(self, fabric: Fabric) -> None:
        """Let every rank know the mean losses: all see the same, and stop together where it is no number."""
        if fabric.world_size > 1 and self._sums is not None:
            self._sums = mean_over_ranks(self._sums, fabric)

    def check(self, step: int, rate: float) -> None:
        """Raise TrainingError where a loss since the last report is not a number."""
        if self._sums is not None and self._sums[0].isnan():
            raise TrainingError(
                f"the loss is not a number between steps {self._step} and {step} at learning rate {rate:g}; "
                "lower learning_rate or add warmup_steps, and start a new run"
            )

    def report(self, step: int, rate: float) -> StepReport:
        assert self._sums is not None
        self.check(step, rate)
        loss, l2, ssim, focal = (self._sums / (step - self._step)).tolist()
        now_s = time.perf_counter()
        speed = self._num_timed / max(now_s - self._started_s, 1e-9)
        self._step, self._sums, self._num_timed, self._started_s = step, None, 0, now_s
        return StepReport(step, loss, l2, ssim, focal, rate, speed)
