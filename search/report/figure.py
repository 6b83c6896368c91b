"""Figures as inline SVG: one look, accessible colours, the same bytes for the same data."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

# Okabe and Ito's palette: told apart with any colour vision.
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
INK, MUTED, RULE = "#1b1f24", "#57606a", "#d0d7de"

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, readable aloud, in the page's own font
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True)
class Chart:
    """A figure for the page; `svg` is None where there is nothing to draw yet.

    `text` says in words what the figure shows: it is the text alternative and the caption.
    """

    title: str
    text: str
    svg: Markup | None = None


class Plot:
    """One figure with one pair of axes in the report's look."""

    def __init__(self, name: str) -> None:
        self._name = name
        with matplotlib.rc_context(_STYLE):
            self.figure = Figure(figsize=(4.9, 3.3))
            self.figure.subplots_adjust(left=0.155, right=0.975, bottom=0.15, top=0.9)
            self.axes: Axes = self.figure.subplots()

    def legend(self) -> None:
        """Put the legend above the axes, where it hides no point."""
        columns = len(self.axes.get_legend_handles_labels()[1])
        if columns:
            self.axes.legend(
                loc="lower left",
                bbox_to_anchor=(-0.02, 1.0),
                ncols=columns,
                columnspacing=1.2,
                frameon=False,
                fontsize=9,
            )

    def log_y(self) -> None:
        """Make the y axis logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
        self.axes.set_yscale("log")
        self.axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        self.axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        self.axes.yaxis.set_minor_locator(NullLocator())

    def svg(self) -> Markup:
        """Return the figure as an SVG element whose ids are unique in the page."""
        buffer = io.StringIO()
        with matplotlib.rc_context({**_STYLE, "svg.hashsalt": self._name}):
            self.figure.savefig(buffer, format="svg", metadata=_NO_METADATA, transparent=True)
        return Markup(_inline(buffer.getvalue(), prefix=self._name))


def _inline(document: str, *, prefix: str) -> str:
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", element, flags=re.DOTALL)
    element = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", element)
    element = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', element, count=1
    )
    return re.sub(r"\n\s*", "\n", element).strip()
