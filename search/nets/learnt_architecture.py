"""What the parameters of an architecture are that learns in turns with the weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class LearntArchitecture(nn.Module, ABC):
    """Decides what a supernet runs: `supernet(image, architecture.weights())`."""

    @abstractmethod
    def weights(self) -> Mapping[Any, Tensor]:
        """Return what the supernet takes; gradients flow from it to the parameters."""

    def after_step(self) -> None:
        """Bring the parameters back into their range."""
