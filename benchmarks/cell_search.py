"""A search step whose memory and time can be measured: the same supernet, batch and A for every method."""

from dataclasses import dataclass

import torch
from torch import Tensor

from search.nasb.architect import Architect, Batch
from search.nasb.methods import METHODS, Method
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import NASB_OPERATIONS
from search.nets.cell.supernet import CellSupernet

NUM_CELLS = 8


@dataclass(frozen=True)
class Subject:
    """One search method, ready for a step."""

    architect: Architect
    batch: Batch

    @property
    def architecture(self) -> Architecture:
        return self.architect.architecture

    def parameters(self) -> list[Tensor]:
        return [*self.architect.net.parameters(), *self.architecture.parameters()]


def spread_start(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Numbers between 0 and 1, so that each seed has other active operations, as in the midst of a search."""
    return torch.rand(shape, generator=generator)


def make_subject(
    key: str, *, seed: int, channels: int, batch_size: int, device: str = "cpu", num_cells: int = NUM_CELLS
) -> Subject:
    """Return method `key` with architecture number `seed`; equal seeds give equal A for every method."""
    method: Method = METHODS[key]
    torch.manual_seed(seed)
    net = CellSupernet(method.make_node, channels=channels, num_cells=num_cells).to(device)
    architecture = Architecture(
        NASB_OPERATIONS,
        num_cells=num_cells,
        seed=seed,
        with_edges=method.with_edges,
        start=spread_start,
    ).to(device)
    images = torch.randn(batch_size, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    batch = (images.to(device), (torch.arange(batch_size) % 10).to(device))
    return Subject(Architect(net, architecture, method), batch)
