"""What a search chooses from: genes, what they stand for, and what they cost.

Source: [D] Sec. 5.2.3, Table 5.2; design.md, "Genes".
Differs from the source: genes are always kept with the name of their space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from inspector.latency import DeviceProfile
from search.autodd.costs import Costs, CostTable, StyledCosts
from search.nets.detector import Detector, OneShotDetector, build_one_shot, inherit
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes, NetworkSpec, digits_of, genes_of

__all__ = ["CostTable", "JointSpace", "Space", "UNetSpace"]


class Space(ABC):
    """A search space.

    A gene is a digit: `alphabets` says how many values each one has, 2 to 10. Most genes name a part of the
    network. The style gene of `joint` names the defects that are trained on: then there is a supernet for
    each style, `style` says which one genes belong to, and `path` is the rest, which that supernet takes.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def alphabets(self) -> tuple[int, ...]:
        """The number of values of each gene."""

    @abstractmethod
    def spec(self, genes: Genes) -> NetworkSpec:
        """Return the network that `genes` stand for."""

    @abstractmethod
    def costs(self, size_hw: tuple[int, int], *, profile: DeviceProfile | None = None) -> Costs:
        """Return what any genes cost at an input of `size_hw`, with latency on the device of `profile`."""

    @abstractmethod
    def build_supernet(self) -> nn.Module:
        """Build a supernet: (image, path) -> (reconstruction, logits); weights as in `build_detector`."""

    @abstractmethod
    def inherit(self, net: Detector, supernet: nn.Module, genes: Genes) -> None:
        """Copy the weights of `genes` from their supernet, in place; BN statistics stay fresh."""

    @property
    def num_styles(self) -> int:
        """How many supernets there are, each trained with the defects of its style."""
        return 1

    def style(self, genes: Genes) -> int:
        """Return which style of defects `genes` ask for: 0 up to `num_styles`, exclusive."""
        return 0

    def path(self, genes: Genes) -> Genes:
        """Return the genes that name a path through a supernet."""
        return genes

    def digits(self, genes: Genes) -> str:
        """Write genes as digits."""
        return digits_of(genes)

    def read(self, digits: str) -> Genes:
        """Read genes from digits.

        Raises:
            ValueError: other digits than the space has, or more or fewer of them.
        """
        if len(digits) != len(self.alphabets):
            raise ValueError(f"is {digits!r}, but space {self.name} has {len(self.alphabets)} digits")
        for place, (digit, num_values) in enumerate(zip(digits, self.alphabets, strict=True)):
            if digit not in "0123456789"[:num_values]:
                raise ValueError(
                    f"is {digits!r}, but digit {place} of space {self.name} is 0 to {num_values - 1}"
                )
        return genes_of(digits)


@dataclass(frozen=True)
class UNetSpace(Space):
    """18 nodes of three operations: the segmenter's, behind a reconstructor that is not searched."""

    width: int
    reconstructor_width: int
    name: ClassVar[str] = "unet"

    @property
    def alphabets(self) -> tuple[int, ...]:
        return (len(OPERATION_NAMES),) * NUM_NODES

    def spec(self, genes: Genes) -> NetworkSpec:
        return NetworkSpec("unet", self.path(genes), self.width, self.reconstructor_width)

    def costs(self, size_hw: tuple[int, int], *, profile: DeviceProfile | None = None) -> Costs:
        return CostTable(
            width=self.width, reconstructor_width=self.reconstructor_width, size_hw=size_hw, profile=profile
        )

    def build_supernet(self) -> nn.Module:
        return build_one_shot(width=self.width, reconstructor_width=self.reconstructor_width)

    def inherit(self, net: Detector, supernet: nn.Module, genes: Genes) -> None:
        assert isinstance(supernet, OneShotDetector)
        inherit(net, supernet)


@dataclass(frozen=True)
class JointSpace(UNetSpace):
    """The space `unet` with the style of the synthetic defects as a 19th gene."""

    styles: int = 2
    name: ClassVar[str] = "joint"

    @property
    def alphabets(self) -> tuple[int, ...]:
        return (*super().alphabets, self.styles)

    @property
    def num_styles(self) -> int:
        return self.styles

    def style(self, genes: Genes) -> int:
        return genes[NUM_NODES]

    def path(self, genes: Genes) -> Genes:
        return genes[:NUM_NODES]

    def costs(self, size_hw: tuple[int, int], *, profile: DeviceProfile | None = None) -> Costs:
        return StyledCosts(super().costs(size_hw, profile=profile), self.styles)
