"""How large a search of cells is, and what it begins with: its supernet and its images, by the seed alone.

Source: [D] Sec. 3.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from search.nasb.architect import Rates
from search.nasb.cifar10 import halves
from search.nasb.compact_training import CompactPlan
from search.nasb.methods import Method
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import NASB_OPERATIONS, OperationSet
from search.nets.cell.supernet import CellSupernet
from search.streams import Purpose, stream
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation, split_off


@dataclass(frozen=True)
class CellScale:
    """How large the supernet is, how long it is searched, and what becomes of what it finds.

    Args:
        different: Each cell of the supernet finds a structure of its own (Table 3.3).
        search_images: Training images that the search sees; None: all.
    """

    num_cells: int = 8
    channels: int = 16
    different: bool = False
    batch_size: int = 60
    num_epochs: int = 50
    search_images: int | None = None
    rates: Rates = field(default_factory=Rates)
    compact: CompactPlan = field(default_factory=CompactPlan)
    checkpoint_steps: int = 50


@dataclass(frozen=True)
class Feeds:
    """Images for the weights, and for the architecture; both in batches of one size."""

    train: ImageFeed
    valid: ImageFeed


def build_supernet(
    method: Method, scale: CellScale, *, seed: int, operations: OperationSet = NASB_OPERATIONS
) -> tuple[CellSupernet, Architecture]:
    """Return the fresh supernet and its architecture: every process has the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = CellSupernet(
            method.make_node, operations=operations, num_cells=scale.num_cells, channels=scale.channels
        )
    architecture = Architecture(
        operations,
        num_cells=scale.num_cells,
        seed=seed,
        different=scale.different,
        with_edges=method.with_edges,
        start=method.start,
    )
    return net, architecture


def make_feeds(method: Method, images: LabelledImages, scale: CellScale, *, seed: int) -> Feeds:
    """Return two halves of the images, or of `scale.search_images` of them; all of them to a single loss.

    Raises:
        DatasetError: there are fewer than two.
    """
    if scale.search_images is not None and scale.search_images < len(images):
        rng = stream(Purpose.ORDER, seed=seed, number=0, second=3)
        _, chosen = split_off(len(images), share=scale.search_images / len(images), rng=rng)
        images = images.part(chosen)
    mean, deviation = normalisation(images.images)
    parts = (images, images) if method.order == "single" else halves(images, seed=seed)
    train, valid = (
        ImageFeed(part, mean, deviation, scale.batch_size, seed=seed, augment=True) for part in parts
    )
    return Feeds(train, valid)
