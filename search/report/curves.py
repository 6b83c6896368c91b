"""Curves of a training: its losses."""

from __future__ import annotations

import numpy as np

from search.events import Event
from search.report.figure import BLUE, GREEN, INK, ORANGE, Chart, Plot
from search.report.record import series

MAX_POINTS = 300  # more than a printed figure can show
_LOSSES = (
    ("loss", "total", INK, "-"),
    ("ssim", "SSIM", BLUE, "-"),
    ("l2", "L2", ORANGE, "--"),
    ("focal", "focal", GREEN, "-."),
)


def smoothed(y: np.ndarray) -> np.ndarray:
    """Return the centred moving average over a twentieth of the points, (N,); shorter at both ends."""
    reach = len(y) // 40
    total = np.concatenate([[0.0], np.cumsum(y)])
    index = np.arange(len(y))
    first, last = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(y))
    return np.asarray((total[last] - total[first]) / (last - first))


def loss_chart(steps: list[Event], *, name: str, title: str) -> Chart:
    """Draw the total loss and its parts over the steps: faint as measured, bold smoothed."""
    x, total = series(steps, "step", "loss")
    if len(x) == 0:
        return Chart(title, "No steps yet.")
    plot = Plot(name)
    for field, label, colour, style in _LOSSES:
        _draw(plot, *series(steps, "step", field), label=label, colour=colour, style=style)
    plot.axes.set(xlabel="step", ylabel="loss")
    if _all_positive(steps):
        plot.log_y()
    plot.legend()
    smooth = smoothed(total)
    text = (
        f"Total loss from {smooth[0]:.3g} to {smooth[-1]:.3g} at step {x[-1]:.0f}, "
        "with its three parts; faint lines as measured, bold lines averaged."
    )
    return Chart(title, text + _left_out(len(steps) - len(x)), plot.svg())


def _draw(plot: Plot, x: np.ndarray, y: np.ndarray, *, label: str, colour: str, style: str) -> None:
    if len(x) == 0:
        return
    keep = np.unique(np.linspace(0, len(x) - 1, MAX_POINTS).round().astype(int))
    marker = "o" if len(x) == 1 else ""  # one point makes no line
    plot.axes.plot(x[keep], y[keep], color=colour, alpha=0.25, linewidth=0.8)
    plot.axes.plot(
        x[keep], smoothed(y)[keep], color=colour, linestyle=style, linewidth=1.6, marker=marker, label=label
    )


def _all_positive(steps: list[Event]) -> bool:
    values = np.concatenate([series(steps, "step", field)[1] for field, *_ in _LOSSES])
    return bool((values > 0).all())


def _left_out(num: int) -> str:
    return f" {num} values that are not numbers are left out." if num else ""
