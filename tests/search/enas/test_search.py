"""The whole search on tiny images: resumed is uninterrupted, and the shared weights learn along the paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from inspector.errors import RunError
from search.enas.controller import Controller
from search.enas.reinforce import Teacher
from search.enas.search import EnasPlan, EnasSearch, Round
from search.enas.space import ENAS_OPERATIONS
from search.losses.named import class_loss
from search.nets.cell.genotype import Genotype
from search.nets.cell.nodes import PathNode
from search.nets.cell.supernet import CellSupernet
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation


class KilledError(Exception):
    """Stands for a kill."""


def feed(num: int, seed: int) -> ImageFeed:
    """Images of two classes, bright and dark."""
    labels = np.arange(num) % 2
    pixels = np.random.default_rng(seed).integers(0, 100, (num, 8, 8, 3)) + 120 * labels[:, None, None, None]
    data = LabelledImages(pixels.astype(np.uint8), labels, 2)
    return ImageFeed(data, *normalisation(data.images), 8)


def begin(folder: Path, fabric: Fabric, *, num_epochs: int = 3, loss: str = "rll") -> EnasSearch:
    torch.manual_seed(0)
    supernet = CellSupernet(
        PathNode, operations=ENAS_OPERATIONS, num_cells=3, channels=4, num_nodes=4, num_classes=2
    )
    teacher = Teacher(Controller(num_nodes=4, hidden=8, seed=0))
    plan = EnasPlan(num_epochs, class_loss(loss), controller_steps=2, num_candidates=3)
    return EnasSearch(supernet, teacher, plan, fabric=fabric, checkpoint=folder / "enas.pt")


def search(folder: Path, fabric: Fabric, *, kill_after: int = 0) -> tuple[Genotype, list[Round]]:
    def on_round(done: Round) -> None:
        if done.number == kill_after:
            raise KilledError("killed")

    one = begin(folder, fabric)
    return one.run(feed(24, 0), feed(16, 1), on_round=on_round), one.rounds


def test_a_search_that_was_killed_ends_as_the_whole_one(tmp_path: Path, fabric: Fabric) -> None:
    whole = search(tmp_path / "whole", fabric)
    with pytest.raises(KilledError, match="killed"):
        search(tmp_path / "killed", fabric, kill_after=2)
    assert search(tmp_path / "killed", fabric) == whole


def test_the_shared_weights_learn(tmp_path: Path, fabric: Fabric) -> None:
    one = begin(tmp_path, fabric, num_epochs=10, loss="cce")
    one.run(feed(24, 0), feed(16, 1))
    assert one.rounds[-1].risk < 0.8 * one.rounds[0].risk


def test_the_best_of_the_samples_is_returned(tmp_path: Path, fabric: Fabric) -> None:
    one = begin(tmp_path, fabric)
    found = one.run(feed(24, 0), feed(16, 1))
    validation = feed(16, 1)
    best = one.accuracy(found, validation.in_order())
    samples = [one._teacher.decide(one._choose(2, number)).genotype for number in range(3)]
    assert found in samples
    assert best == max(one.accuracy(sample, validation.in_order()) for sample in samples)


def test_weights_that_are_on_no_path_stay_as_they_were(tmp_path: Path, fabric: Fabric) -> None:
    one = begin(tmp_path, fabric, num_epochs=1)
    before = {name: value.clone() for name, value in one._supernet.state_dict().items()}
    one._learn_weights(feed(8, 0))  # one step, one path
    changed = {n for n, value in one._supernet.state_dict().items() if not torch.equal(value, before[n])}
    genotype = one._teacher.decide(one._choose(0, 0)).genotype
    used = {
        (edge.source, ENAS_OPERATIONS.normal.index(edge.operation))
        for edge in genotype.normal[0].nodes[0]
        if edge.operation.startswith("sep")
    }
    first_node = "_stages.1.nodes.0.candidates."
    found = {tuple(map(int, n.removeprefix(first_node).split(".")[:2])) for n in changed if first_node in n}
    assert found == used
    assert any(name.startswith("_stages.0") for name in changed)  # the stem is on every path


def test_a_search_of_another_length_is_refused(tmp_path: Path, fabric: Fabric) -> None:
    search(tmp_path, fabric)
    with pytest.raises(RunError, match="belongs to a search of 3 passes, not 4"):
        begin(tmp_path, fabric, num_epochs=4)
