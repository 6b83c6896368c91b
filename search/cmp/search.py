"""Searches cells on any of the parallelisms that Figure 3.3 compares, from images to a genotype.

Source: [D] Sec. 3.3.3, Algorithm 1.
Differs from the source: partitions are balanced by measured times; all parallelisms take Algorithm 1's step,
so that they differ in nothing but where and when it is computed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lightning_fabric import Fabric

from search.cmp.cells import classification, cut_cells
from search.cmp.clipping import clip_over_ranks
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.data_parallel import DataParallel
from search.cmp.kept_cut import kept_sizes, one_thread_an_operation
from search.cmp.parallel_architect import ParallelArchitect
from search.cmp.parallel_plan import ParallelPlan
from search.cmp.pipeline import PipelineParallel
from search.cmp.ranks import on_ranks
from search.cmp.sequential import ModelParallel
from search.nasb.cell_scale import Feeds
from search.nasb.search import CellSearch, SearchPlan

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """What a search ends with: the cells as text, and how long its steps took on its first process."""

    genotype: str
    seconds: float
    num_steps: int


def search_cells(plan: ParallelPlan, feeds: Feeds, *, folder: Path, cut: Path | None = None) -> Found:
    """Search to the end. In one process (mp, cmp) a killed search goes on from the checkpoint in `folder`.

    Searches of several processes begin again; where the supernet is cut is kept in any case.

    Args:
        cut: File that the sizes of the partitions are read from, or written to; None: one in `folder`.
            Searches that are compared share it.

    Raises:
        InputError: devices, partitions or batches do not fit.
        TrainingError: a device or process failed, or a loss is not finite.
    """
    plan.check()
    sizes = kept_sizes(plan, feeds, cut or folder / "sizes.json")
    if plan.kind in ("mp", "cmp"):
        return _search_here(plan, feeds, sizes, folder / "search.pt")
    work = partial(_search_on_rank, plan=plan, feeds=feeds, sizes=sizes)
    if plan.kind == "gpipe":  # a rank a partition; otherwise a rank a copy
        return on_ranks(work, plan.devices_of_copy(0))
    num_copies = len(plan.devices) // plan.num_partitions
    return on_ranks(work, [plan.devices_of_copy(number)[0] for number in range(num_copies)])


def _search_here(plan: ParallelPlan, feeds: Feeds, sizes: Sizes, checkpoint: Path) -> Found:
    devices = plan.devices_of_copy(0)
    net, architecture = plan.build()
    way = ModelParallel if plan.kind == "mp" else ConsecutiveParallel
    architect = ParallelArchitect(
        net,
        architecture,
        plan.method,
        parallelize=lambda: way(cut_cells(net, devices, sizes=sizes), classification),
        rates=plan.scale.rates,
    )
    index = devices[0].index
    fabric = Fabric(accelerator=devices[0].type, devices=1 if index is None else [index])
    with one_thread_an_operation(devices):
        return _run(architect, plan, feeds, fabric, checkpoint)


def _search_on_rank(fabric: Fabric, *, plan: ParallelPlan, feeds: Feeds, sizes: Sizes) -> Found:
    make = _pipelined if plan.kind == "gpipe" else _copied
    with tempfile.TemporaryDirectory() as folder:
        return _run(make(fabric, plan, sizes), plan, feeds, fabric, Path(folder) / "search.pt")


def _pipelined(fabric: Fabric, plan: ParallelPlan, sizes: Sizes) -> ParallelArchitect:
    """Return the architect of a rank that holds one partition."""
    net, architecture = plan.build()
    return ParallelArchitect(
        net,
        architecture,
        plan.method,
        parallelize=lambda: PipelineParallel(net.stages(), classification, fabric, sizes=sizes),
        clip=lambda max_norm: clip_over_ranks(list(net.parameters()), fabric, max_norm=max_norm),
        rates=plan.scale.rates,
    )


def _copied(fabric: Fabric, plan: ParallelPlan, sizes: Sizes) -> ParallelArchitect:
    """Return the architect of a rank that holds a whole copy, in partitions or in one piece."""
    net, architecture = plan.build()
    way = ModelParallel if plan.num_partitions == 1 else ConsecutiveParallel

    def parallelize() -> DataParallel:
        partitions = cut_cells(net, plan.devices_of_copy(fabric.global_rank), sizes=sizes)
        everything = [*net.parameters(), *architecture.parameters()]
        return DataParallel(way(partitions, classification), everything, fabric)

    return ParallelArchitect(net, architecture, plan.method, parallelize=parallelize, rates=plan.scale.rates)


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
