"""NASB on the U-Net of the product: one operation of three is active in each of its 18 nodes.

Source: [D] Sec. 3.2.3, Eq. 3.6 and Algorithm 2, on the space of Sec. 5.2.3.
Differs from the source: a node of the U-Net has one input, so one operation of it is active, not two; the
active operations are the strongest that are together within the hard limits.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inspector.errors import SearchSpaceError
from search.nasb.gate import with_gate_gradients
from search.nasb.project import Budget, best_feasible
from search.nets.autoencoder import Reconstructor
from search.nets.detector import OneShotDetector
from search.nets.learnt_architecture import LearntArchitecture
from search.nets.one_shot import OneShotUNet
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes
from search.nets.unet import run_unet

GATES = "gates"
START = 0.5  # of every strength, in 0..1: as in NASP's published code


class BinaryArchitecture(LearntArchitecture):
    """How strong each operation of each node is, (18, 3), in 0..1; within a budget.

    Raises:
        SearchSpaceError: no genes are within the budget.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self.strengths = nn.Parameter(torch.full((NUM_NODES, len(OPERATION_NAMES)), START))
        self.genes()

    def genes_within(self, budget: Budget) -> Genes | None:
        """Return the strongest operations that are together within a budget, if there are any."""
        return best_feasible(self.strengths.detach().double().cpu().numpy(), budget)

    def genes(self) -> Genes:
        """Return the strongest operations that are together within the budget."""
        genes = self.genes_within(self._budget)
        if genes is None:
            raise SearchSpaceError(
                "no network of this space is within all limits together; raise one of them, or lower "
                "network.width and network.reconstructor_width"
            )
        return genes

    def weights(self) -> Mapping[str, Tensor]:
        """Return the gates, zeros and ones; their gradient is taken for that of the strengths (Eq. 3.6)."""
        strengths = self.strengths
        ones = F.one_hot(torch.tensor(self.genes()), len(OPERATION_NAMES)).to(strengths)
        return {GATES: ones + (strengths - strengths.detach())}

    def after_step(self) -> None:
        with torch.no_grad():
            self.strengths.clamp_(0.0, 1.0)


class BinaryDetector(OneShotDetector):
    """The supernet of the space `unet`, which also runs along gates: the active operations alone.

    Where the gates learn, the backward pass runs the others once more, one at a time (search/nasb/gate.py).
    """

    def forward(self, image: Tensor, genes: Genes | Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        if not isinstance(genes, Mapping):
            return super().forward(image, genes)
        gates = genes[GATES]
        active = tuple(gates.detach().argmax(dim=1).tolist())
        if not gates.requires_grad:
            return super().forward(image, active)
        reconstruction = self.reconstructor(image)
        both = torch.cat([reconstruction, image], dim=1)
        logits: Tensor = self.segmenter.head(run_unet(both, partial(self._node, gates, active)))
        return reconstruction, logits

    def _node(self, gates: Tensor, active: Genes, node: int, x: Tensor) -> Tensor:
        operations = [self.segmenter.operation(node, gene) for gene in range(len(OPERATION_NAMES))]
        return with_gate_gradients(operations[active[node]](x), gates[node : node + 1], [x], [operations])


def build_binary_detector(*, width: int, reconstructor_width: int) -> BinaryDetector:
    """Build the supernet; its weights are PyTorch's defaults until `initialise`."""
    return BinaryDetector(Reconstructor(width=reconstructor_width), OneShotUNet(width=width))
