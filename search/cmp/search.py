"""Searches cells on any of the parallelisms that Figure 3.3 compares, from images to a genotype.

Source: [D] Sec. 3.3.3, Algorithm 1.
Differs from the source: partitions are balanced by measured times; all parallelisms take Algorithm 1's step,
so that they differ in nothing but where and when it is computed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric

from inspector.errors import InputError
from inspector.output_file import write_file
from search.cmp.balance import best_sizes
from search.cmp.cells import classification, cut_cells, mixture_of
from search.cmp.clipping import clip_over_ranks
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.data_parallel import DataParallel
from search.cmp.devices import find_devices
from search.cmp.parallel_architect import ParallelArchitect
from search.cmp.passes import Batch
from search.cmp.pipeline import PipelineParallel
from search.cmp.ranks import on_ranks
from search.cmp.sequential import ModelParallel, Parallelism
from search.cmp.stage_times import measure_stages
from search.nasb.cifar10 import halves
from search.nasb.methods import METHODS
from search.nasb.run import CellScale
from search.nasb.search import CellSearch, SearchPlan
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
        devices: Such as ("cpu", "cpu"); with one device every kind but gpipe is the same.
    """

    kind: Kind
    devices: tuple[str, ...]
    scale: CellScale
    seed: int
    method: str = "nasb"
    num_copies: int = 1

    @property
    def num_partitions(self) -> int:
        return {"dp": 1, "cmp-dp": len(self.devices) // self.num_copies}.get(self.kind, len(self.devices))


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


@dataclass(frozen=True)
class Found:
    """What a search ends with: the cells as text, and how long its steps took on its first process."""

    genotype: str
    seconds: float
    num_steps: int


def search_cells(plan: ParallelPlan, feeds: Feeds, *, folder: Path) -> Found:
    """Search to the end. In one process (mp, cmp) a killed search goes on from the checkpoint in `folder`.

    Searches of several processes begin again; where each partition is cut is kept in any case.

    Raises:
        InputError: devices, partitions or batches do not fit.
        TrainingError: a device or process failed, or a loss is not finite.
    """
    devices = find_devices(plan.devices)
    _check(plan)
    sizes = _kept_sizes(plan, feeds, devices[0], folder / "sizes.json")
    if plan.kind in ("mp", "cmp"):
        return _search_here(plan, feeds, sizes, devices, folder / "search.pt")
    first_of_ranks = devices[:: plan.num_partitions] if plan.kind == "cmp-dp" else devices
    return on_ranks(partial(_search_on_rank, plan=plan, feeds=feeds, sizes=sizes), first_of_ranks)


def _check(plan: ParallelPlan) -> None:
    if plan.num_partitions > plan.scale.num_cells:
        raise InputError(
            f"{plan.num_partitions} partitions are more than the {plan.scale.num_cells} cells of the "
            "supernet; name fewer devices, or search with more cells"
        )
    if plan.kind == "cmp-dp" and len(plan.devices) % plan.num_copies:
        raise InputError(
            f"{len(plan.devices)} devices cannot be shared evenly by {plan.num_copies} copies of the supernet"
        )


def _search_here(
    plan: ParallelPlan, feeds: Feeds, sizes: tuple[int, ...], devices: list[torch.device], checkpoint: Path
) -> Found:
    net, architecture = _supernet(plan)
    way = ModelParallel if plan.kind == "mp" else ConsecutiveParallel
    fabric = Fabric(
        accelerator=devices[0].type, devices=1 if devices[0].index is None else [devices[0].index]
    )
    architect = ParallelArchitect(
        net,
        architecture,
        METHODS[plan.method],
        parallelize=lambda: way(cut_cells(net, devices, sizes=sizes), classification),
        rates=plan.scale.rates,
    )
    with _one_thread_per_operation(devices[0]):
        return _run(architect, plan, feeds, fabric, checkpoint)


def _search_on_rank(fabric: Fabric, *, plan: ParallelPlan, feeds: Feeds, sizes: tuple[int, ...]) -> Found:
    net, architecture = _supernet(plan)
    clip: Callable[[float], None] | None = None
    if plan.kind == "gpipe":

        def parallelize() -> Parallelism:
            return PipelineParallel(net.stages(), classification, fabric, sizes=sizes)

        def clip(max_norm: float) -> None:
            clip_over_ranks(list(net.parameters()), fabric, max_norm=max_norm)
    else:
        rank, num = fabric.global_rank, plan.num_partitions
        mine = [fabric.device] if num == 1 else find_devices(plan.devices[rank * num : (rank + 1) * num])

        def parallelize() -> Parallelism:
            way = ModelParallel if num == 1 else ConsecutiveParallel
            inner = way(cut_cells(net, mine, sizes=sizes), classification)
            return DataParallel(inner, [*net.parameters(), *architecture.parameters()], fabric)

    architect = ParallelArchitect(net, architecture, METHODS[plan.method], parallelize=parallelize, clip=clip)
    with tempfile.TemporaryDirectory() as folder:
        return _run(architect, plan, feeds, fabric, Path(folder) / "search.pt")


def _run(
    architect: ParallelArchitect, plan: ParallelPlan, feeds: Feeds, fabric: Fabric, checkpoint: Path
) -> Found:
    try:
        steps = SearchPlan(plan.scale.num_epochs, plan.seed, plan.scale.checkpoint_steps)
        search = CellSearch(architect, steps, fabric=fabric, checkpoint=checkpoint)
        genotype = search.run(feeds.train, feeds.valid)
    finally:
        architect.close()
    return Found(genotype.text(), search.seconds, plan.scale.num_epochs * feeds.train.steps_per_epoch)


def _supernet(plan: ParallelPlan) -> tuple[CellSupernet, Architecture]:
    """Build both from the seed alone: every process has the same."""
    method = METHODS[plan.method]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        net = CellSupernet(method.make_node, num_cells=plan.scale.num_cells, channels=plan.scale.channels)
    architecture = Architecture(
        net.operations,
        num_cells=plan.scale.num_cells,
        seed=plan.seed,
        different=plan.scale.different,
        with_edges=method.with_edges,
        start=method.start,
    )
    return net, architecture


def _kept_sizes(plan: ParallelPlan, feeds: Feeds, device: torch.device, file: Path) -> tuple[int, ...]:
    """Return the balanced sizes. They are measured once: another cut rounds the gradient of A otherwise."""
    if file.exists():
        return tuple(json.loads(file.read_text()))
    net, architecture = _supernet(plan)
    if plan.num_partitions == 1:
        return (len(net.stages()),)
    architecture.to(device)
    relax = METHODS[plan.method].relaxation(0.0)
    train, valid = (Batch(*feed.batch(0)) for feed in (feeds.train, feeds.valid))
    with _one_thread_per_operation(device):
        costs = measure_stages(
            net.stages(),
            classification,
            lambda: mixture_of(net.stages(), architecture.weights(relax)),
            train=train,
            valid=valid,
            device=device,
            rounds=3,
        )
    sizes = best_sizes(costs, plan.num_partitions)
    write_file(file, json.dumps(sizes).encode())
    return sizes


@contextmanager
def _one_thread_per_operation(device: torch.device) -> Iterator[None]:
    """A partition on the CPU has one thread, whichever parallelism runs it: that is what is compared."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
