"""The genes of a network, laid out over its U-Net for drawing.

Source: [D] Sec. 5.2.3, Fig. 5.2 and 5.3.
Differs from the source: one row a node, so that skips run straight across and a phone can show the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.report.figure import BLUE, GREEN, ORANGE

NUM_LEVELS = 4
NUM_NODES = 18
IMAGE_CHANNELS = 3

# Geometry of the drawing, in its own units.
NODE_WIDTH, NODE_HEIGHT, GAP, LEVEL_GAP = 188, 34, 12, 26
LEFT_X, RIGHT_X, TOP_Y = 16, 288, 112


@dataclass(frozen=True)
class Operation:
    """One of the three operations: its name and its colours (fill, text)."""

    name: str
    long_name: str
    fill: str
    ink: str


OPERATIONS = (
    Operation("conv 3×3", "convolution 3×3", BLUE, "#ffffff"),
    Operation("sep 3×3", "depthwise-separable 3×3", ORANGE, "#000000"),
    Operation("atrous 3×3", "atrous depthwise-separable 3×3, rate 2", GREEN, "#000000"),
)


@dataclass(frozen=True)
class Node:
    """One node of the U-Net: its operation, channels, rows and columns, and where it is drawn."""

    index: int
    operation: Operation
    in_channels: int
    out_channels: int
    size_hw: tuple[int, int]
    x: float
    y: float

    @property
    def where(self) -> str:
        """The node's part of the U-Net in words."""
        if self.index in (8, 9):
            return "bottleneck"
        return "encoder" if self.index < 8 else "decoder"


@dataclass(frozen=True)
class GeneDrawing:
    """The 18 nodes with their skips: (y, channels) of each level, and the height of the drawing."""

    nodes: tuple[Node, ...]
    skips: tuple[tuple[float, int], ...]
    height: float
    reconstructor_width: int | None

    @property
    def text(self) -> str:
        """The drawing in words, for those who do not see it."""
        listed = (f"{node.index} ({node.where}): {node.operation.name}" for node in self.nodes)
        return "U-Net with 18 nodes. " + "; ".join(listed) + "."

    @property
    def used(self) -> tuple[tuple[Operation, int], ...]:
        """Each operation and how many nodes use it."""
        return tuple((op, sum(node.operation is op for node in self.nodes)) for op in OPERATIONS)


def parse_digits(digits: object) -> tuple[Operation, ...] | None:
    """Return the operations that 18 digits of 0, 1, 2 stand for; None if `digits` is anything else."""
    if not isinstance(digits, str) or len(digits) != NUM_NODES or set(digits) - set("012"):
        return None
    return tuple(OPERATIONS[int(digit)] for digit in digits)


def draw_genes(digits: object, *, size_hw: tuple[int, int], network: Mapping[str, Any]) -> GeneDrawing | None:
    """Lay out the segmenter of `network`; None where the genes are not the 18 digits of space `unet`."""
    operations = parse_digits(digits)
    if operations is None:
        return None
    rows, width = _rows(), int(network["width"])
    nodes = tuple(
        Node(
            index,
            operation,
            *channels,
            size_hw=_shrunk(size_hw, _level(index)),
            x=LEFT_X if index <= 8 else RIGHT_X,
            y=rows[index],
        )
        for index, (operation, channels) in enumerate(zip(operations, node_channels(width), strict=True))
    )
    skips = tuple((rows[2 * level + 1] + NODE_HEIGHT / 2, width * 2**level) for level in range(NUM_LEVELS))
    return GeneDrawing(nodes, skips, rows[8] + NODE_HEIGHT + 8, network.get("reconstructor_width"))


def node_channels(width: int) -> list[tuple[int, int]]:
    """Return (in, out) channels of the 18 nodes; the input is reconstruction and image together."""
    widths = [width * 2**level for level in range(NUM_LEVELS + 1)]
    channels, last = [], 2 * IMAGE_CHANNELS
    for out in widths[:-1]:
        channels += [(last, out), (out, out)]
        last = out
    channels += [(last, widths[-1]), (widths[-1], widths[-1])]
    last = widths[-1]
    for out in reversed(widths[:-1]):
        channels += [(last + out, out), (out, out)]  # the skip of the same level is joined to the input
        last = out
    return channels


def _level(index: int) -> int:
    """Return how often the input was halved before the node: 0 to 4."""
    return index // 2 if index <= 8 else (NUM_NODES - 1 - index) // 2


def _rows() -> list[float]:
    """Return y of the 18 nodes: down the encoder, up the decoder, the same rows for the same level."""
    down, y = [], float(TOP_Y)
    for index in range(9):
        down.append(y)
        y += NODE_HEIGHT + (LEVEL_GAP if index % 2 else GAP)
    return [*down, *reversed(down)]


def _shrunk(size_hw: tuple[int, int], level: int) -> tuple[int, int]:
    return size_hw[0] // 2**level, size_hw[1] // 2**level
