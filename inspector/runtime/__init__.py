"""Runner: a bundle that answers."""

from inspector.runtime.choice import open_engine
from inspector.runtime.runner import Inspection, Runner

__all__ = ["Inspection", "Runner", "open_engine"]
