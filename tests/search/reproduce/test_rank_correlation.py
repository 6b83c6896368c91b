"""Supernets rank networks that are also trained by themselves; a kill at any step changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inspector.console import Advance, Console
from search.autodd.fitness import FitnessEvaluator
from search.autodd.plain_fitness import plain_fitness
from search.nets.detector import Detector, OneShotDetector, build_detector
from search.nets.spec import Genes
from search.nets.unet import UNet
from search.reproduce import rank_correlation
from search.reproduce.experiment import Options
from search.reproduce.rank_bench import RankBench, Supernet
from search.reproduce.rank_correlation import AGAIN, SUPERNETS, RankCorrelation, open_bench
from search.reproduce.registry import open_experiment
from search.reproduce.runner import Reproduction
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

QUIET = Console(json_output=True)
TINY = {"retraining": {"steps": 2}, "one_shot": {"steps": 3}}


class KilledError(Exception):
    """Stands for a kill."""


class Dying(Console):
    """Dies after so many steps of anything that shows progress."""

    def __init__(self, num_steps: int) -> None:
        super().__init__(json_output=True)
        self._left = num_steps

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        def advance(num: int, note: str = "") -> None:
            self._left -= num
            if self._left < 0:
                raise KilledError(what)

        yield advance


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("rank") / "photos")


def bench(photos: Path, folder: Path, console: Console = QUIET) -> RankBench:
    return RankBench(tiny_recipe(photos, TINY), 4, folder, console)


def fitness_of(found: RankBench, net: nn.Module) -> float:
    return plain_fitness(lambda image: net(image)[1], found._validation, fabric=found._fabric)


def taken_out(supernet: nn.Module, genes: Genes, found: RankBench) -> Detector:
    """A path as a network of its own, with its weights and BN statistics."""
    assert isinstance(supernet, OneShotDetector)
    net = build_detector(found._space.spec(genes))
    assert isinstance(net.segmenter, UNet)
    assert net.reconstructor is not None
    net.reconstructor.load_state_dict(supernet.reconstructor.state_dict())
    net.segmenter.head.load_state_dict(supernet.segmenter.head.state_dict())
    for node, gene in enumerate(genes):
        net.segmenter.nodes[node].load_state_dict(supernet.segmenter.operation(node, gene).state_dict())
    return net.to(memory_format=torch.channels_last).eval()


def test_networks_are_random_different_and_those_of_the_seed(photos: Path, tmp_path: Path) -> None:
    networks = bench(photos, tmp_path).networks
    assert len(set(networks)) == 4
    assert networks == bench(photos, tmp_path / "other").networks


def test_a_kill_in_the_middle_of_any_training_changes_no_figure(photos: Path, tmp_path: Path) -> None:
    whole = bench(photos, tmp_path / "whole")
    expected = (whole.trained(), whole.inherited(Supernet("fair", 2), recalibrated=True))
    folder = tmp_path / "killed"
    for num_steps in (1, 5, 9, 14):  # within a network, between two, within the supernet
        dying = bench(photos, folder, Dying(num_steps))
        with pytest.raises(KilledError, match=r"retraining|one-shot|evaluation"):
            dying.trained(), dying.inherited(Supernet("fair", 2), recalibrated=True)
    resumed = bench(photos, folder)
    assert (resumed.trained(), resumed.inherited(Supernet("fair", 2), recalibrated=True)) == expected


def test_what_is_trained_once_is_not_trained_again(photos: Path, tmp_path: Path) -> None:
    first = bench(photos, tmp_path)
    expected = (first.trained(), first.inherited(Supernet("uniform", 1), recalibrated=False))
    again = bench(photos, tmp_path, Dying(3))  # that the supernet has its 3 steps is told, too
    assert (again.trained(), again.inherited(Supernet("uniform", 1), recalibrated=False)) == expected
    assert not list(tmp_path.glob("networks-0/*-0.pt"))  # checkpoints of finished networks are gone


def test_another_start_gives_other_networks(photos: Path, tmp_path: Path) -> None:
    found = bench(photos, tmp_path)
    assert [one.fitness for one in found.trained()] != [one.fitness for one in found.trained(start=1)]


def test_as_trained_is_the_supernet_with_the_statistics_of_its_training(photos: Path, tmp_path: Path) -> None:
    found = bench(photos, tmp_path)
    as_trained = found.inherited(Supernet("uniform", 1), recalibrated=False)
    assert as_trained != found.inherited(Supernet("uniform", 1), recalibrated=True)
    supernet = found._train_supernet(Supernet("uniform", 1))
    for genes, fitness in zip(found.networks, as_trained, strict=True):
        assert fitness_of(found, taken_out(supernet, genes, found)) == fitness


def test_plain_fitness_is_that_of_a_search_once_the_statistics_are_the_same(
    photos: Path, tmp_path: Path
) -> None:
    found = bench(photos, tmp_path)
    supernet, genes = found._train_supernet(Supernet("uniform", 1)), found.networks[0]
    batches = found._data.recalibration_batches(found._samples)
    net = taken_out(supernet, genes, found)
    for module in net.segmenter.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain average over all batches
            module.train()
    with torch.no_grad():
        for batch in batches:
            net(batch.image.to(memory_format=torch.channels_last))
    evaluator = FitnessEvaluator(
        supernet, validation=found._validation, recalibration=batches, fabric=found._fabric
    )
    assert fitness_of(found, net.eval()) == pytest.approx(evaluator.fitness(genes), abs=1e-6)


@pytest.mark.parametrize("preset", ["quick", "cpu", "paper"])
def test_every_preset_is_a_recipe_with_at_least_ten_networks(
    preset: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_correlation, "photo_sets", lambda options: [_Photos(photos)])
    found = open_bench(Options(preset, (0,)), 3, folder=tmp_path, console=QUIET)
    assert found.num_networks >= 10
    assert found.recipe.seed == 3
    rows = RankCorrelation().rows(Options(preset, (0,)))
    assert [row.key for row in rows] == [*SUPERNETS, AGAIN]
    assert len(rows) == 9


class _Photos:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def root(self, beside: Path) -> Path:
        return self._folder


def test_rows_of_a_run_have_tau_and_its_interval_and_a_plot(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tiny_bench(options: Options, seed: int, *, folder: Path, console: Console) -> RankBench:
        return RankBench(tiny_recipe(photos, {**TINY, "seed": seed}), 10, folder, console)

    monkeypatch.setattr(rank_correlation, "open_bench", tiny_bench)
    experiment = open_experiment("rank-correlation")
    reproduction = Reproduction(experiment, Options("quick", (0,)), tmp_path, "", QUIET)
    table = reproduction.run(["uniform-1-recalibrated", AGAIN])
    figures: list[dict[str, Any]] = [dict(entry.figures) for entry in table.measured]
    for found in figures:
        assert -1 <= found["low"] <= found["tau"] <= found["high"] <= 1
        assert 0 < found["share_of_best"] <= 1
        assert found["num_networks"] == 10
    details = json.loads((tmp_path / "work" / f"{AGAIN}-0" / "networks.json").read_text())
    assert len(set(details["networks"])) == 10
    assert details["ranked_by"] != details["trained"]
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
