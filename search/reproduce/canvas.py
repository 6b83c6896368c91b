"""The canvas of every plot of `inspector reproduce`: axes in one look, kept as a PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inspector.output_file import write_file
from search.report.figure import RULE

WIDTH_IN = 7.5
_LOOK: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
}


@contextmanager
def canvas(path: Path, *, height_in: float) -> Iterator[Axes]:
    """Yield axes to draw on, and write them to `path` afterwards."""
    with panels(path, height_in=height_in, columns=1) as (axes,):
        yield axes


@contextmanager
def panels(path: Path, *, height_in: float, columns: int) -> Iterator[list[Axes]]:
    """Yield axes that stand side by side, and write them to `path` afterwards."""
    with rc_context(_LOOK):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        yield list(figure.subplots(1, columns, squeeze=False)[0])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
    write_file(path, buffer.getvalue())
