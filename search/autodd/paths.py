"""Which path of the supernet a training step takes.

Source: [D] Eq. 5.5: every step trains one path, drawn uniformly; FairNAS (2019), strict fairness.
Differs from the source: FairNAS adds the gradients of a round up and takes one step; here each path of a
round is a step, so that both kinds of training take as many.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Literal, Protocol, get_args

from torch import Tensor, nn

from search.autodd.evolution import GeneSpace, random_genes
from search.nets.spec import Genes
from search.streams import Purpose, stream

PathName = Literal["uniform", "fair"]
PATH_NAMES: tuple[PathName, ...] = get_args(PathName)


class PathSampler(Protocol):
    """Runs a supernet along the path of a step: it follows from seed and step, on every rank alike."""

    def genes(self, step: int) -> Genes:
        """Return the path of a step, from 0."""
        ...

    def __call__(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return reconstruction and logits of an image (B, 3, H, W)."""
        ...


@dataclass(frozen=True)
class RandomPath:
    """Every gene of every step is drawn by itself."""

    space: GeneSpace
    seed: int

    def genes(self, step: int) -> Genes:
        return random_genes(self.space, stream(Purpose.PATH, seed=self.seed, number=step))

    def __call__(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        return _run(net, image, self.genes(step))


@dataclass(frozen=True)
class FairPath:
    """Within a round of steps every value of a gene comes equally often, in an order drawn for the round.

    A round is as long as the least number that all alphabets divide: 3 steps in the spaces `unet` and `dual`.
    """

    space: GeneSpace
    seed: int

    def genes(self, step: int) -> Genes:
        length = lcm(*self.space.alphabets)
        turn, place = divmod(step, length)
        rng = stream(Purpose.PATH, seed=self.seed, number=turn, second=1)
        return tuple(int(rng.permutation(length)[place]) % size for size in self.space.alphabets)

    def __call__(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        return _run(net, image, self.genes(step))


def make_path(name: PathName, space: GeneSpace, *, seed: int) -> PathSampler:
    """Return the way of drawing paths that a recipe names."""
    return RandomPath(space, seed) if name == "uniform" else FairPath(space, seed)


def _run(net: nn.Module, image: Tensor, genes: Genes) -> tuple[Tensor, Tensor]:
    output: tuple[Tensor, Tensor] = net(image, genes)
    return output
