"""Which path of the supernet a training step takes.

Source: [D] Eq. 5.5: every step trains one path, drawn uniformly.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from search.autodd.evolution import GeneSpace, random_genes
from search.streams import Purpose, stream


@dataclass(frozen=True)
class RandomPath:
    """Runs a supernet along the path of a step: it follows from seed and step, on every rank alike."""

    space: GeneSpace
    seed: int

    def __call__(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        genes = random_genes(self.space, stream(Purpose.PATH, seed=self.seed, number=step))
        output: tuple[Tensor, Tensor] = net(image, genes)
        return output
