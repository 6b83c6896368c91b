"""What a search of cells on several devices is made of: the parallelism, the supernet, the images.

Source: [D] Sec. 3.3.1, 3.3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from inspector.errors import InputError
from search.cmp.devices import find_devices
from search.nasb.cifar10 import halves
from search.nasb.methods import METHODS, Method
from search.nasb.run import CellScale
from search.nets.cell.architecture import Architecture
from search.nets.cell.supernet import CellSupernet
from search.streams import Purpose, stream
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation, split_off

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
        scale, method = self.scale, self.method
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            net = CellSupernet(method.make_node, num_cells=scale.num_cells, channels=scale.channels)
        architecture = Architecture(
            net.operations,
            num_cells=scale.num_cells,
            seed=self.seed,
            different=scale.different,
            with_edges=method.with_edges,
            start=method.start,
        )
        return net, architecture


@dataclass(frozen=True)
class Feeds:
    """Images for the weights, and for the architecture; both in batches of one size."""

    train: ImageFeed
    valid: ImageFeed


def make_feeds(images: LabelledImages, scale: CellScale, *, seed: int) -> Feeds:
    """Return two halves of the images, or of `scale.search_images` of them, drawn by the seed.

    Raises:
        DatasetError: there are fewer than two.
    """
    if scale.search_images is not None and scale.search_images < len(images):
        rng = stream(Purpose.ORDER, seed=seed, number=0, second=3)
        _, chosen = split_off(len(images), share=scale.search_images / len(images), rng=rng)
        images = images.part(chosen)
    mean, deviation = normalisation(images.images)
    train, valid = (
        ImageFeed(half, mean, deviation, scale.batch_size, seed=seed, augment=True)
        for half in halves(images, seed=seed)
    )
    return Feeds(train, valid)
