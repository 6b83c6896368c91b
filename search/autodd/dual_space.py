"""The space `dual`: the nodes of both networks and both widths.

Source: design.md, "Genes".
Differs from the source: [D] searches the segmenter alone, at one width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from inspector.latency import DeviceProfile
from search.autodd.costs import Costs
from search.autodd.dual_costs import DualCosts
from search.autodd.space import Space
from search.nets.detector import Detector
from search.nets.dual import DUAL_ALPHABETS, DualPath
from search.nets.dual_one_shot import DualOneShot, inherit_dual
from search.nets.spec import Genes, NetworkSpec


@dataclass(frozen=True)
class DualSpace(Space):
    """18 and 22 nodes of three operations, and a quarter, half or all of each width; widths in 4s."""

    width: int
    reconstructor_width: int
    name: ClassVar[str] = "dual"

    @property
    def alphabets(self) -> tuple[int, ...]:
        return DUAL_ALPHABETS

    def spec(self, genes: Genes) -> NetworkSpec:
        return DualPath.of(genes).spec(width=self.width, reconstructor_width=self.reconstructor_width)

    def costs(self, size_hw: tuple[int, int], *, profile: DeviceProfile | None = None) -> Costs:
        return DualCosts(
            width=self.width, reconstructor_width=self.reconstructor_width, size_hw=size_hw, profile=profile
        )

    def build_supernet(self) -> nn.Module:
        return DualOneShot(width=self.width, reconstructor_width=self.reconstructor_width)

    def inherit(self, net: Detector, supernet: nn.Module, genes: Genes) -> None:
        assert isinstance(supernet, DualOneShot)
        inherit_dual(net, supernet, genes)
