"""Trains a classifier with any class loss; after a kill it goes on from the last whole epoch.

Source: [D] Sec. 2.4.1: the epoch that validates best is the one that is tested; DARTS' final training (SGD,
cosine, clipped gradients, auxiliary head, drop-path).
Differs from the source: nothing.

A network here takes image (B, 3, H, W) and a drop-path probability, and gives logits (B, K) and in training
those of an auxiliary head, or None.

Shape letters:  B batch   H, W rows, columns   K classes
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.errors import TrainingError
from search.losses.class_loss import ClassLoss
from search.streams import Purpose, stream
from search.training.checkpoint import load_checkpoint_of, save_checkpoint
from search.training.image_feed import ImageFeed

AUXILIARY_WEIGHT = 0.4


@dataclass(frozen=True)
class ClassifyPlan:
    """All that decides a training except network and images.

    Args:
        drop_path: At its end; it grows in a straight line from 0.
        seed: Of drop-path; order and augmentation are the feed's.
    """

    num_epochs: int
    loss: ClassLoss
    learning_rate: float = 0.025
    momentum: float = 0.9
    weight_decay: float = 3e-4
    max_gradient_norm: float = 5.0
    drop_path: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """What one pass over the images gave.

    Args:
        risk: Mean loss of the training batches, each before its step: the empirical risk.
        validation: Share of right answers on the validation images after it; their labels may be wrong.
    """

    number: int
    risk: float
    validation: float


@dataclass(frozen=True)
class Trained:
    """The network of the epoch that validated best, and all epochs."""

    net: nn.Module
    epochs: tuple[Epoch, ...]
    best: Epoch


def train_classifier(
    net: nn.Module,
    feed: ImageFeed,
    validation: ImageFeed,
    plan: ClassifyPlan,
    *,
    fabric: Fabric,
    checkpoint: Path,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> Trained:
    """Train `net` in place from wherever `checkpoint` left it.

    Raises:
        TrainingError: the loss is not a number.
        RunError: the checkpoint is of a training of another length, or damaged.
    """
    training = _Training(net, feed, plan, fabric, checkpoint)
    while len(training.epochs) < plan.num_epochs:
        risk = training.run_epoch()
        share = accuracy(training.net, validation.in_order(), fabric=fabric)
        training.keep(Epoch(len(training.epochs) + 1, risk, share))
        on_epoch(training.epochs[-1])
    return training.result()


def accuracy(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], *, fabric: Fabric) -> float:
    """Return the share of right answers of `net` in evaluation mode: one minus the empirical 0-1 risk."""
    net.eval()
    num_right = num = 0
    with torch.no_grad(), fabric.autocast():
        for image, label in batches:
            logits, _ = net(image.to(fabric.device))
            num_right += int((logits.argmax(dim=1).cpu() == label).sum())
            num += len(label)
    return num_right / num


class _Training:
    def __init__(
        self, net: nn.Module, feed: ImageFeed, plan: ClassifyPlan, fabric: Fabric, checkpoint: Path
    ) -> None:
        self.net = net.to(fabric.device)
        self._feed, self._plan, self._fabric, self._checkpoint = feed, plan, fabric, checkpoint
        optimizer = torch.optim.SGD(
            net.parameters(), lr=plan.learning_rate, momentum=plan.momentum, weight_decay=plan.weight_decay
        )
        self._model, self._optimizer = fabric.setup(self.net, optimizer)
        self.epochs: list[Epoch] = []
        self._best: tuple[Epoch, dict[str, Any]] | None = None
        self._restore()

    def run_epoch(self) -> float:
        """Train for one pass and return the mean loss."""
        number, steps = len(self.epochs), self._feed.steps_per_epoch
        self._model.train()
        rate = cosine_rate(self._plan.learning_rate, number, self._plan.num_epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        drop_path = self._plan.drop_path * number / self._plan.num_epochs
        total = torch.zeros((), device=self._fabric.device)
        with _own_random_numbers(self._plan.seed, number, self._fabric):
            for step in range(number * steps, (number + 1) * steps):
                total += self._learn(self._feed.batch(step), drop_path)
        risk = float(total) / steps
        if not math.isfinite(risk):
            raise TrainingError(
                f"the loss is not a number in epoch {number + 1} at learning rate {rate:g}; lower the rate"
            )
        return risk

    def _learn(self, batch: tuple[Tensor, Tensor], drop_path: float) -> Tensor:
        image, label = (x.to(self._fabric.device) for x in batch)
        self._optimizer.zero_grad(set_to_none=True)
        logits, auxiliary = self._model(image, drop_path)
        risk = self._plan.loss(logits, label)
        loss = risk if auxiliary is None else risk + AUXILIARY_WEIGHT * self._plan.loss(auxiliary, label)
        self._fabric.backward(loss)
        nn.utils.clip_grad_norm_(self.net.parameters(), self._plan.max_gradient_norm)
        self._optimizer.step()
        return risk.detach()

    def keep(self, epoch: Epoch) -> None:
        """Store the epoch; the first of the best ones is what is tested."""
        self.epochs.append(epoch)
        if self._best is None or epoch.validation > self._best[0].validation:
            self._best = (epoch, copy.deepcopy(self.net.state_dict()))
        best, weights = self._best
        save_checkpoint(
            self._checkpoint,
            {
                "num_epochs": self._plan.num_epochs,
                "epochs": [asdict(one) for one in self.epochs],
                "net": self.net.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "best": asdict(best),
                "best_net": weights,
            },
        )

    def result(self) -> Trained:
        assert self._best is not None
        best, weights = self._best
        self.net.load_state_dict(weights)
        return Trained(self.net.eval(), tuple(self.epochs), best)

    def _restore(self) -> None:
        num_epochs, what = self._plan.num_epochs, "a training of {} epochs"
        state = load_checkpoint_of(self._checkpoint, num_epochs, key="num_epochs", what=what)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.epochs = [Epoch(**one) for one in state["epochs"]]
        self._best = (Epoch(**state["best"]), state["best_net"])


def cosine_rate(rate: float, epoch: int, num_epochs: int) -> float:
    """Return the learning rate of an epoch, counted from 0: from `rate` down towards 0."""
    return 0.5 * rate * (1.0 + math.cos(math.pi * epoch / num_epochs))


@contextmanager
def _own_random_numbers(seed: int, epoch: int, fabric: Fabric) -> Iterator[None]:
    """Let drop-path draw from a stream of the epoch alone, and leave torch's global one as it was."""
    devices = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(stream(Purpose.PATH, seed=seed, number=epoch).integers(2**62)))
        yield
