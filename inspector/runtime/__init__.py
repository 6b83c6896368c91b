"""Runner: a bundle that answers."""

from inspector.runtime.runner import Inspection, Runner

__all__ = ["Inspection", "Runner"]
