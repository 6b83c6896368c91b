"""Runner: a bundle that answers."""

from inspector.runtime.choice import CHOICES, open_engine
from inspector.runtime.runner import Inspection, Runner

__all__ = ["CHOICES", "Inspection", "Runner", "open_engine"]
