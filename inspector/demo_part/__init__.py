"""The built-in demo part: a drawn turned flange with realistic variation and six real-looking defects."""

from inspector.demo_part.dataset import write_demo_part
from inspector.demo_part.scene import DEFECT_KINDS, render_defect, render_good

__all__ = ["DEFECT_KINDS", "render_defect", "render_good", "write_demo_part"]
