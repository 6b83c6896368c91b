"""A search from beginning to end; after a kill it goes on as if there had been none.

Source: [D] Sec. 3.3.1, Algorithm 2.
Differs from the source: nothing.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from search.nasb.architect import Architect, Rates
from search.nasb.derive import derive
from search.nasb.memory_errors import memory_errors_named
from search.nets.cell.genotype import Genotype
from search.streams import Purpose, stream
from search.training.checkpoint import load_checkpoint_of, save_checkpoint
from search.training.classify import cosine_rate
from search.training.image_feed import ImageFeed


@dataclass(frozen=True)
class SearchPlan:
    """All that decides a search except the architect and the images.

    Args:
        seed: Of what a method draws in a step; order and crops are the feeds'.
    """

    num_epochs: int
    seed: int
    checkpoint_steps: int = 50


@dataclass(frozen=True)
class SearchEpoch:
    """One pass over the training images: the mean of their losses, and the cells as they are after it."""

    number: int
    loss: float
    genotype: str


class CellSearch:
    """A search under way; `run()` brings it to its end from wherever the checkpoint left it.

    Raises:
        RunError: the checkpoint is of a search of another length, or damaged.
    """

    def __init__(self, architect: Architect, plan: SearchPlan, *, fabric: Fabric, checkpoint: Path) -> None:
        self._architect, self._plan, self._fabric, self._checkpoint = architect, plan, fabric, checkpoint
        architect.net.to(fabric.device)
        architect.architecture.to(fabric.device)
        self._step, self._seconds, self._loss = 0, 0.0, 0.0
        self._restore()

    @property
    def seconds(self) -> float:
        """All that the search has taken, before a resume too."""
        return self._seconds

    def run(
        self,
        train: ImageFeed,
        valid: ImageFeed,
        *,
        on_epoch: Callable[[SearchEpoch], None] = lambda _epoch: None,
    ) -> Genotype:
        """Search to the end and return the cells.

        Args:
            train: For the weights; its passes are the epochs.
            valid: For the architecture.

        Raises:
            InputError: the two give batches of different sizes.
            TrainingError: a loss is not a number, or the memory does not suffice; the checkpoint stays.
        """
        steps = train.steps_per_epoch
        num_steps = self._plan.num_epochs * steps
        self._architect.net.train()
        devices = [self._fabric.device] if self._fabric.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            while self._step < num_steps:
                started_s = time.perf_counter()
                self._loss += float(self._learn(train, valid, steps)) / steps
                self._seconds += time.perf_counter() - started_s
                if self._step % steps == 0:
                    on_epoch(SearchEpoch(self._step // steps, self._loss, self._genotype().text()))
                    self._loss = 0.0
                if self._step % self._plan.checkpoint_steps == 0 or self._step == num_steps:
                    self._save()
        return self._genotype()

    def _learn(self, train: ImageFeed, valid: ImageFeed, steps_per_epoch: int) -> Tensor:
        """Take the next step, with random numbers that are its own."""
        step, num_epochs = self._step, self._plan.num_epochs
        torch.manual_seed(int(stream(Purpose.PATH, seed=self._plan.seed, number=step).integers(2**62)))
        epoch = step // steps_per_epoch
        with memory_errors_named(f"a search step of {self._architect.method.label}"):
            loss = self._architect.learn(
                self._moved(train.batch(step)),
                self._moved(valid.batch(step)),
                rate=weights_rate(self._architect.rates, epoch, num_epochs),
                progress=epoch / num_epochs,
            )
        self._step += 1
        return loss

    def _moved(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        images, labels = batch
        return images.to(self._fabric.device), labels.to(self._fabric.device)

    def _genotype(self) -> Genotype:
        architect = self._architect
        return derive(architect.architecture, architect.method, architect.net.operations)

    def _save(self) -> None:
        state: dict[str, Any] = {
            "num_epochs": self._plan.num_epochs,
            "step": self._step,
            "seconds": self._seconds,
            "loss": self._loss,
            "architect": self._architect.state_dict(),
        }
        save_checkpoint(self._checkpoint, state)

    def _restore(self) -> None:
        num_epochs, what = self._plan.num_epochs, "a search of {} epochs"
        state = load_checkpoint_of(self._checkpoint, num_epochs, key="num_epochs", what=what)
        if state is None:
            return
        self._architect.load_state_dict(state["architect"])
        self._step, self._seconds, self._loss = state["step"], state["seconds"], state["loss"]


def weights_rate(rates: Rates, epoch: int, num_epochs: int) -> float:
    """Return the learning rate of the weights in an epoch, counted from 0."""
    return rates.weights_end + cosine_rate(rates.weights - rates.weights_end, epoch, num_epochs)
