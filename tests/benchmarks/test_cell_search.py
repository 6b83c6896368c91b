"""The methods that are compared have one A and one batch, and the floor lies below what NASB keeps."""

from __future__ import annotations

import torch

from benchmarks.cell_search import make_subject
from benchmarks.nasb_memory.measure import floor_mb, kept_mb
from search.nasb.relaxation import active_pairs


def test_equal_seeds_give_equal_architectures_and_batches_to_every_method() -> None:
    subjects = [
        make_subject(key, seed=3, channels=4, batch_size=2, num_cells=3)
        for key in ("nasb", "nasp", "darts-1")
    ]
    first = subjects[0]
    for other in subjects[1:]:
        assert torch.equal(first.batch[0], other.batch[0])
        for ours, theirs in zip(first.architecture.normal, other.architecture.normal, strict=True):
            assert torch.equal(ours, theirs)


def test_seeds_have_other_active_operations() -> None:
    found = {
        active_pairs(
            make_subject("nasb", seed=seed, channels=4, batch_size=2, num_cells=3).architecture.normal[0]
        )
        for seed in range(3)
    }
    assert len(found) == 3


def test_the_floor_lies_below_nasb_and_nasb_below_nasp() -> None:
    binary, proximal = (make_subject(key, seed=0, channels=4, batch_size=2) for key in ("nasb", "nasp"))
    assert floor_mb(binary, seed=0, channels=4) < kept_mb(binary) < kept_mb(proximal)
