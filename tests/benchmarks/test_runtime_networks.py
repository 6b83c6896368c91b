"""The network of paper width computes what the narrow one does, with filters that are not copies."""

from __future__ import annotations

import torch

from benchmarks.runtime.networks import GENES, widened
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec


def test_a_widened_network_gives_the_same_scores() -> None:
    narrow = build_detector(NetworkSpec("unet", GENES, 2, 2))
    initialise(narrow, "he", seed=3)
    image = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        narrow.train()(image)  # moves the BN statistics
        wide = widened(narrow.eval(), width=6)
        expected, found = narrow(image)[1], wide(image)[1]
    assert expected.std() > 0.01
    assert (found - expected).abs().max() < 1e-4
    filters = next(p for name, p in wide.named_parameters() if p.ndim == 4 and p.shape[:2] == (6, 6))
    assert len({tuple(one.flatten().tolist()) for one in filters}) == 6
