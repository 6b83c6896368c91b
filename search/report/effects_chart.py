"""The effects for the page: a row a node, a mark an operation, its interval as a line; and the prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from search.autodd.pareto import Point
from search.report.effects import NodeEffect, last_step, node_effects, prices
from search.report.figure import Chart, Plot
from search.report.genes import NUM_NODES, OPERATIONS
from search.report.pareto import COSTS, Cost
from search.report.record import RunRecord

MARKERS = ("s", "o", "^")
TITLE = "Fitness by operation and node"


@dataclass(frozen=True)
class EffectsSection:
    """What the page says of the effects; `prices` holds (cost, before, after)."""

    chart: Chart
    effects: Sequence[NodeEffect]
    prices: Sequence[tuple[Cost, Point, Point]]
    num_evaluated: int


def effects_section(record: RunRecord) -> EffectsSection | None:
    """Return the section, or None where nothing was evaluated or the genes are not the segmenter's nodes."""
    candidates = record.candidates()
    whole = [event for event in candidates if event.get("fitness") is not None]
    if not whole or not all(_has_nodes(str(event["genes"])) for event in whole):
        return None
    effects = node_effects(whole, num_nodes=NUM_NODES, num_values=len(OPERATIONS))
    steps = [(cost, last_step(prices(record.archive, cost.field), cost.field)) for cost in COSTS]
    bought = [(cost, *step) for cost, step in steps if step is not None]
    return EffectsSection(effects_chart(effects), effects, bought, len(whole))


def _has_nodes(genes: str) -> bool:
    return len(genes) >= NUM_NODES and set(genes[:NUM_NODES]) <= set("012")


def effects_chart(effects: Sequence[NodeEffect]) -> Chart:
    """Draw the marginal means; a caption without a figure where nothing was evaluated."""
    if not effects:
        return Chart(TITLE, "No candidate was evaluated yet.")
    plot = Plot("effects")
    plot.figure.set_size_inches(4.9, 5.6)
    plot.figure.subplots_adjust(left=0.1, right=0.975, bottom=0.09, top=0.93)
    for gene, operation in enumerate(OPERATIONS):
        means = [(effect.node, effect.means[gene]) for effect in effects]
        drawn = [(node, mean, mean.mean) for node, mean in means if mean.mean is not None]
        offset = (gene - 1) * 0.24
        plot.axes.plot(
            [value for *_, value in drawn],
            [node + offset for node, *_ in drawn],
            MARKERS[gene],
            color=operation.fill,
            markersize=4,
            label=operation.name,
        )
        for node, mean, _ in drawn:
            if mean.low is not None and mean.high is not None:
                plot.axes.plot(
                    [mean.low, mean.high], [node + offset] * 2, color=operation.fill, linewidth=1.2
                )
    plot.axes.set_ylim(len(effects) - 0.5, -0.5)
    plot.axes.set_yticks(range(len(effects)))
    plot.axes.xaxis.set_major_locator(MaxNLocator(5))
    plot.axes.set(xlabel="mean fitness, with its 95 % interval", ylabel="node")
    plot.legend()
    return Chart(TITLE, _text(effects), plot.svg())


def _text(effects: Sequence[NodeEffect]) -> str:
    def nodes(verdict: str) -> str:
        found = [str(effect.node) for effect in effects if effect.verdict == verdict]
        return ", ".join(found) if found else "none"

    return (
        f"Nodes where the dense convolution is better than the best cheap operation: "
        f"{nodes('needs the convolution')}; where a cheap one is better: {nodes('better without')}; "
        f"where no difference was seen: {nodes('no difference seen')}."
    )
