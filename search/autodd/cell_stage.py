"""What NAS-UNet's search starts with: its network, its architecture, and the photos in two halves.

Source: Weng et al. (2019): half of the training data for the weights, half for the architecture.
Differs from the source: whole groups of photos (parts) fall into one half.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from inspector.dataset import Sample
from search.nets.autoencoder import Reconstructor
from search.nets.detector import initialise
from search.nets.peers.nas_unet_supernet import Architecture, NasUNetSupernet, SearchedDetector
from search.recipe import Recipe


def build_cell_search(recipe: Recipe) -> tuple[SearchedDetector, Architecture]:
    """Return the fresh network of all mixed edges, and the architecture that weighs them."""
    network = recipe.network
    width = network.own_reconstructor_width
    reconstructor = Reconstructor(width=width) if width else None
    segmenter = NasUNetSupernet(width=network.width, in_channels=6 if width else 3)
    net = SearchedDetector(reconstructor, segmenter)
    initialise(net, network.initialisation, seed=recipe.seed)
    return net, Architecture(seed=recipe.seed)


def halve(samples: Sequence[Sample], *, seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Split photos into two parts of about the same number, whole groups at a time; neither is empty.

    The order of groups is a hash of seed and group, as in `split_good`; each goes to the smaller half.
    """
    sizes = Counter(sample.group for sample in samples)
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:half:{group}".encode()).digest())
    half_of: dict[str, int] = {}
    filled = [0, 0]
    for group in order:
        half = filled.index(min(filled))
        half_of[group] = half
        filled[half] += sizes[group]
    first, second = (tuple(s for s in samples if half_of[s.group] == half) for half in (0, 1))
    return first, second
