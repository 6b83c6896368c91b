"""What a search of cells on several devices is made of: the parallelism and the supernet.

Source: [D] Sec. 3.3.1, 3.3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from inspector.errors import InputError
from search.cmp.devices import find_devices
from search.nasb.cell_scale import CellScale, build_supernet
from search.nasb.methods import METHODS, Method
from search.nets.cell.architecture import Architecture
from search.nets.cell.supernet import CellSupernet

Kind = Literal["mp", "cmp", "gpipe", "dp", "cmp-dp"]


@dataclass(frozen=True)
class ParallelPlan:
    """All that decides a search except the images.

    Args:
        kind: mp, cmp and gpipe have a partition a device, dp a copy of the supernet a device, and cmp-dp
            `num_copies` of them, each in partitions on its share of the devices.
        devices: Such as ("cpu", "cpu"); those of one copy stand beside each other.
    """

    kind: Kind
    devices: tuple[str, ...]
    scale: CellScale
    seed: int
    method_key: str = "nasb"
    num_copies: int = 1

    @property
    def num_partitions(self) -> int:
        """Of one copy of the supernet."""
        return {"dp": 1, "cmp-dp": len(self.devices) // self.num_copies}.get(self.kind, len(self.devices))

    @property
    def method(self) -> Method:
        return METHODS[self.method_key]

    def devices_of_copy(self, number: int) -> list[torch.device]:
        """Return the device of each partition of a copy, counted from 0; errors as in `find_devices`."""
        num = self.num_partitions
        return find_devices(self.devices[number * num : (number + 1) * num])

    def check(self) -> None:
        """Refuse what no search can run.

        Raises:
            InputError: a device that is not there, more partitions than cells, or devices that the copies
                cannot share evenly.
        """
        find_devices(self.devices)
        if self.num_partitions > self.scale.num_cells:
            raise InputError(
                f"{self.num_partitions} partitions are more than the {self.scale.num_cells} cells of the "
                "supernet; name fewer devices, or search with more cells"
            )
        if len(self.devices) % self.num_copies:
            raise InputError(
                f"{len(self.devices)} devices cannot be shared evenly by {self.num_copies} copies of the "
                "supernet; name a multiple"
            )

    def build(self) -> tuple[CellSupernet, Architecture]:
        """Build both from the seed alone: every process has the same."""
        return build_supernet(self.method, self.scale, seed=self.seed)
