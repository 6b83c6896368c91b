"""REINFORCE with a moving baseline: what a reward teaches the controller.

Source: Williams (1992); Pham et al. (2018), Sec. 2.2, with the settings of the published search on CIFAR-10.
Differs from the source: the baseline begins with the first reward, not with zero, which would praise the
first samples whatever they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from search.enas.controller import Choose, Controller, Decision

LEARNING_RATE = 0.0035
BASELINE_DECAY = 0.99
ENTROPY_WEIGHT = 1e-4


@dataclass(frozen=True)
class Praise:
    """How a reward is judged: the advantage over what rewards were so far, and the next baseline."""

    advantage: float
    baseline: float


def praise(reward: float, baseline: float | None, *, decay: float = BASELINE_DECAY) -> Praise:
    """Return the advantage of `reward` over the baseline that it has been blended into."""
    new = reward if baseline is None else decay * baseline + (1.0 - decay) * reward
    return Praise(reward - new, new)


class Teacher:
    """Learns the controller from rewards."""

    def __init__(self, controller: Controller, *, learning_rate: float = LEARNING_RATE) -> None:
        self.controller = controller
        self.baseline: float | None = None
        self._optimizer = torch.optim.Adam(controller.parameters(), lr=learning_rate)

    def decide(self, choose: Choose) -> Decision:
        decision: Decision = self.controller(choose)
        return decision

    def learn(self, decision: Decision, accuracy: float) -> Praise:
        """Take one step on a decision.

        Args:
            accuracy: Share of right answers on validation images: one minus the 0-1 loss.
        """
        reward = accuracy + ENTROPY_WEIGHT * float(decision.entropy.detach())
        judged = praise(reward, self.baseline)
        self.baseline = judged.baseline
        self._optimizer.zero_grad(set_to_none=True)
        loss = -judged.advantage * decision.log_prob
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return judged

    def state_dict(self) -> dict[str, Any]:
        return {
            "controller": self.controller.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "baseline": self.baseline,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.controller.load_state_dict(state["controller"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.baseline = state["baseline"]
