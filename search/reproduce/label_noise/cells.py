"""DARTS and ENAS on images with wrong labels: from parts and losses to the cells that were found.

Source: [D] Sec. 2.4.1.
Differs from the source: each searches the operations of its own paper; DARTS' rates are those of [D]
Sec. 3.3.1, which are DARTS' own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric

from inspector.console import Console
from inspector.output_file import write_file
from search.enas.controller import Controller
from search.enas.reinforce import Teacher
from search.enas.search import EnasPlan, EnasSearch
from search.enas.space import ENAS_OPERATIONS
from search.losses.named import class_loss
from search.nasb.methods import METHODS
from search.nasb.search import CellSearch, SearchPlan
from search.nets.cell.architecture import Architecture
from search.nets.cell.genotype import Genotype, parse_genotype
from search.nets.cell.nodes import MakeNode, PathNode
from search.nets.cell.space import DARTS_OPERATIONS, OperationSet
from search.nets.cell.supernet import CellSupernet
from search.reproduce.label_noise.images import Parts
from search.reproduce.label_noise.scale import Scale
from search.reproduce.label_noise.two_levels import TwoLevelArchitect

Searcher = Literal["darts", "enas"]


@dataclass(frozen=True)
class CellSearchPlan:
    """What is searched with.

    Args:
        architecture_loss: Name of L1, of [D] Eq. 2.2; ENAS takes the 0-1 loss whatever this is.
        weights_loss: Name of L2.
    """

    searcher: Searcher
    scale: Scale
    seed: int
    architecture_loss: str = "cce"
    weights_loss: str = "cce"


@dataclass(frozen=True)
class FoundCells:
    """What a search ended with, and how long it took, from before a kill too."""

    genotype: Genotype
    seconds: float


def search_cells(
    plan: CellSearchPlan, parts: Parts, folder: Path, *, fabric: Fabric, console: Console
) -> FoundCells:
    """Search, or read what was found; a search that was killed goes on.

    Raises:
        TrainingError: a loss is not a number.
    """
    file = folder / "found.json"
    if file.exists():
        record = json.loads(file.read_text())
        return FoundCells(parse_genotype(record["genotype"]), record["seconds"])
    folder.mkdir(parents=True, exist_ok=True)
    search = _search_darts if plan.searcher == "darts" else _search_enas
    found = search(plan, parts, folder / "search.pt", fabric, console)
    record = {"genotype": found.genotype.text(), "seconds": found.seconds}
    write_file(file, json.dumps(record).encode())
    return found


def _search_darts(
    plan: CellSearchPlan, parts: Parts, checkpoint: Path, fabric: Fabric, console: Console
) -> FoundCells:
    scale, method = plan.scale, METHODS[plan.scale.order]
    architecture = Architecture(
        DARTS_OPERATIONS,
        num_cells=scale.search_cells,
        num_nodes=scale.num_nodes,
        seed=plan.seed,
        start=method.start,
    )
    architect = TwoLevelArchitect(
        _supernet(plan, parts, method.make_node, DARTS_OPERATIONS).to(fabric.device),
        architecture.to(fabric.device),
        method,
        architecture_loss=class_loss(plan.architecture_loss),
        weights_loss=class_loss(plan.weights_loss),
        autocast=fabric.autocast,
    )
    settings = SearchPlan(scale.search_epochs, plan.seed)
    search = CellSearch(architect, settings, fabric=fabric, checkpoint=checkpoint)
    train, valid = (
        parts.feed(part, batch_size=scale.search_batch, seed=plan.seed, training=True)
        for part in (parts.train, parts.valid)
    )
    with console.progress(scale.search_epochs, "DARTS") as advance:
        found = search.run(train, valid, on_epoch=lambda epoch: advance(1, note=f"loss {epoch.loss:.3f}"))
    return FoundCells(found, search.seconds)


def _search_enas(
    plan: CellSearchPlan, parts: Parts, checkpoint: Path, fabric: Fabric, console: Console
) -> FoundCells:
    scale = plan.scale
    settings = EnasPlan(
        scale.enas_epochs,
        class_loss(plan.weights_loss),
        controller_steps=scale.controller_steps,
        num_candidates=scale.candidates,
        seed=plan.seed,
    )
    search = EnasSearch(
        _supernet(plan, parts, PathNode, ENAS_OPERATIONS),
        Teacher(Controller(num_nodes=scale.num_nodes, seed=plan.seed)),
        settings,
        fabric=fabric,
        checkpoint=checkpoint,
    )
    train = parts.feed(parts.train, batch_size=scale.search_batch, seed=plan.seed, training=True)
    valid = parts.feed(parts.valid, batch_size=scale.search_batch, seed=plan.seed, training=False)
    with console.progress(scale.enas_epochs, "ENAS") as advance:
        found = search.run(train, valid, on_round=lambda done: advance(1, note=f"reward {done.reward:.3f}"))
    return FoundCells(found, search.seconds)


def _supernet(
    plan: CellSearchPlan, parts: Parts, make_node: MakeNode, operations: OperationSet
) -> CellSupernet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return CellSupernet(
            make_node,
            operations=operations,
            num_cells=plan.scale.search_cells,
            channels=plan.scale.search_channels,
            num_nodes=plan.scale.num_nodes,
            num_classes=parts.num_classes,
        )
