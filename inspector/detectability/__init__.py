"""Which defects an inspector finds, by size, contrast and place on the part."""

from inspector.detectability.measure import Detectability, measure
from inspector.detectability.picture import picture
from inspector.detectability.plan import Plan, Spot, default_sizes_px

__all__ = ["Detectability", "Plan", "Spot", "default_sizes_px", "measure", "picture"]
