"""The one-shot supernet: all three operations of all 18 nodes, of which a step runs one path.

Source: [D] Sec. 5.2.3, Eq. 5.5; single-path one-shot NAS (SPOS), Sec. 3.
Differs from the source: nothing.
"""

from __future__ import annotations

from torch import Tensor, nn

from search.nets.operations import make_operation
from search.nets.spec import OPERATION_NAMES, Genes
from search.nets.unet import node_channels, run_unet


class OneShotUNet(nn.Module):
    """Holds every operation; `forward` runs the one path that `genes` names.

    Operations off the path take no part: their gradients stay None, so no optimiser touches them.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(
            nn.ModuleList(make_operation(gene, *channels) for gene in range(len(OPERATION_NAMES)))
            for channels in node_channels(width)
        )
        self.head = nn.Conv2d(width, 1, 1)

    def operation(self, node: int, gene: int) -> nn.Module:
        """Return one of the candidate operations of a node."""
        candidates = self.nodes[node]
        assert isinstance(candidates, nn.ModuleList)
        return candidates[gene]

    def forward(self, x: Tensor, genes: Genes) -> Tensor:  # (B, 6, H, W) -> (B, 1, H, W)
        features = run_unet(x, lambda node, value: self.operation(node, genes[node])(value))
        logits: Tensor = self.head(features)
        return logits
