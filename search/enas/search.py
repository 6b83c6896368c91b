"""ENAS from beginning to end: weights and controller learn in turns, then the best of some samples is found.

Source: Pham et al. (2018), Sec. 2.2-2.3: one sampled cell for every step of the shared weights; the reward is
the accuracy on a batch of validation images, which is one minus the 0-1 loss.
Differs from the source: the learning rate falls along one cosine; the last samples are compared on all
validation images, not on one batch.

Shape letters:  B batch   H, W rows, columns   K classes
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.errors import TrainingError
from search.enas.controller import Choose, drawn
from search.enas.reinforce import Teacher
from search.losses.class_loss import ClassLoss
from search.nets.cell.genotype import Genotype
from search.nets.cell.supernet import CellSupernet
from search.nets.cell.weights import path_weights
from search.streams import Purpose, stream
from search.training.checkpoint import load_checkpoint_of, save_checkpoint
from search.training.classify import cosine_rate
from search.training.image_feed import ImageFeed

SHARED_STEPS, REWARDS, CANDIDATES = 0, 1, 2  # each decides with random numbers of its own


@dataclass(frozen=True)
class EnasPlan:
    """All that decides a search except supernet, controller and images.

    Args:
        loss: Of the shared weights (L2 of [D] Eq. 2.2); L1 is the 0-1 loss.
        controller_steps: After each pass over the training images.
        num_candidates: Samples that are compared at the end.
    """

    num_epochs: int
    loss: ClassLoss
    controller_steps: int
    num_candidates: int
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-4
    max_gradient_norm: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class Round:
    """A pass over the training images, and what the controller's samples were rewarded with after it."""

    number: int
    risk: float
    reward: float


class EnasSearch:
    """A search under way; `run()` brings it to its end from wherever a checkpoint left it.

    Args:
        supernet: Of `PathNode`s, with the operations that the teacher's controller chooses from.
    """

    def __init__(
        self,
        supernet: CellSupernet,
        teacher: Teacher,
        plan: EnasPlan,
        *,
        fabric: Fabric,
        checkpoint: Path,
    ) -> None:
        self._plan, self._fabric, self._checkpoint = plan, fabric, checkpoint
        self._teacher = teacher
        self._supernet = supernet.to(fabric.device)
        optimizer = torch.optim.SGD(
            supernet.parameters(),
            lr=plan.learning_rate,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
            nesterov=True,
        )
        self._model, self._optimizer = fabric.setup(self._supernet, optimizer)
        self.rounds: list[Round] = []
        self.seconds = 0.0  # of all rounds, those before a resume included
        self._restore()

    def run(
        self,
        feed: ImageFeed,
        validation: ImageFeed,
        *,
        on_round: Callable[[Round], None] = lambda _round: None,
    ) -> Genotype:
        """Search to the end and return the best cells.

        Args:
            feed: For the shared weights.
            validation: For the controller, and for the comparison at the end.

        Raises:
            TrainingError: the loss is not a number.
        """
        while len(self.rounds) < self._plan.num_epochs:
            started_s = time.perf_counter()
            risk = self._learn_weights(feed)
            reward = self._learn_controller(validation)
            self.rounds.append(Round(len(self.rounds) + 1, risk, reward))
            self.seconds += time.perf_counter() - started_s
            self._save()
            on_round(self.rounds[-1])
        return self._best_candidate(validation)

    def accuracy(self, genotype: Genotype, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        """Return the share of right answers of a cell with the shared weights."""
        num_right = num = 0
        with torch.no_grad(), self._fabric.autocast():
            for image, label in batches:
                logits = self._logits(self._supernet, image, genotype)
                num_right += int((logits.argmax(dim=1).cpu() == label).sum())
                num += len(label)
        return num_right / num

    def _learn_weights(self, feed: ImageFeed) -> float:
        number, steps = len(self.rounds), feed.steps_per_epoch
        rate = cosine_rate(self._plan.learning_rate, number, self._plan.num_epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        total = torch.zeros((), device=self._fabric.device)
        for step in range(number * steps, (number + 1) * steps):
            image, label = feed.batch(step)
            with torch.no_grad():
                genotype = self._teacher.decide(self._choose(SHARED_STEPS, step)).genotype
            self._optimizer.zero_grad(set_to_none=True)  # what is not on the path is left as it is
            logits = self._logits(self._model, image, genotype)
            loss = self._plan.loss(logits, label.to(self._fabric.device))
            self._fabric.backward(loss)
            nn.utils.clip_grad_norm_(self._supernet.parameters(), self._plan.max_gradient_norm)
            self._optimizer.step()
            total += loss.detach()
        risk = float(total) / steps
        if not math.isfinite(risk):
            raise TrainingError(
                f"ENAS: the loss is no number in pass {number + 1} at learning rate {rate:g}; lower the rate"
            )
        return risk

    def _learn_controller(self, validation: ImageFeed) -> float:
        first = len(self.rounds) * self._plan.controller_steps
        rewards = []
        for step in range(first, first + self._plan.controller_steps):
            decision = self._teacher.decide(self._choose(REWARDS, step))
            rewards.append(self.accuracy(decision.genotype, [validation.batch(step)]))
            self._teacher.learn(decision, rewards[-1])
        return statistics.fmean(rewards)

    def _best_candidate(self, validation: ImageFeed) -> Genotype:
        batches = validation.in_order()
        with torch.no_grad():
            samples = [
                self._teacher.decide(self._choose(CANDIDATES, number)).genotype
                for number in range(self._plan.num_candidates)
            ]
        return max(samples, key=lambda genotype: self.accuracy(genotype, batches))

    def _logits(self, net: nn.Module, image: Tensor, genotype: Genotype) -> Tensor:
        supernet = self._supernet
        weights = path_weights(genotype, supernet.operations, num_cells=supernet.num_cells)
        logits: Tensor = net(image.to(self._fabric.device), weights)
        return logits

    def _choose(self, what: int, number: int) -> Choose:
        return drawn(stream(Purpose.DECISION, seed=self._plan.seed, number=number, second=what))

    def _save(self) -> None:
        state: dict[str, Any] = {
            "num_epochs": self._plan.num_epochs,
            "rounds": [asdict(one) for one in self.rounds],
            "seconds": self.seconds,
            "supernet": self._supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "teacher": self._teacher.state_dict(),
        }
        save_checkpoint(self._checkpoint, state)

    def _restore(self) -> None:
        num_epochs, what = self._plan.num_epochs, "a search of {} passes"
        state = load_checkpoint_of(self._checkpoint, num_epochs, key="num_epochs", what=what)
        if state is None:
            return
        self._supernet.load_state_dict(state["supernet"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._teacher.load_state_dict(state["teacher"])
        self.rounds = [Round(**one) for one in state["rounds"]]
        self.seconds = state["seconds"]
