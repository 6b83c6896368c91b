"""The benchmark of CMP compares what it says: balanced partitions of one supernet, and their own floor."""

import pytest
import torch

from benchmarks.cell_search import make_subject
from benchmarks.cmp.measure import Comparison, compare
from search.cmp.clock import PhaseCosts


def test_figures_follow_from_the_times() -> None:
    found = Comparison(
        sizes=(2, 3), mp_s=2.0, cmp_s=1.6, floor=0.8, even=0.75, phases_s=PhaseCosts(0.5, 0.5, 0.5, 0.5)
    )
    assert found.ratio == pytest.approx(0.8)
    assert found.over_floor == pytest.approx(1.0)
    assert found.lost_to_imbalance == pytest.approx(0.05)


def test_partitions_hold_all_stages_and_the_floor_is_that_of_a_schedule() -> None:
    subject = make_subject("nasb", seed=0, channels=4, batch_size=2, num_cells=3)
    found = compare(subject, [torch.device("cpu")] * 2, rounds=1)
    assert sum(found.sizes) == 3 + 2
    assert 0.5 < found.floor < 1.0
