"""One search method from images to a tested network, in one folder; a run that was killed goes on.

Source: [D] Sec. 3.3.1, 3.3.4, 3.3.5.
Differs from the source: nothing.

The folder holds `search.pt` and `compact.pt`, the checkpoints, `events.jsonl`, a line an epoch, and
`genotype.txt`, what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lightning_fabric import Fabric

from inspector.console import Advance, Console
from inspector.output_file import write_file
from search.events import EventLog
from search.nasb.activation_memory import kept_bytes
from search.nasb.architect import Architect
from search.nasb.cell_scale import CellScale, build_supernet, make_feeds
from search.nasb.cifar10 import TrainAndTest
from search.nasb.compact_training import train_compact
from search.nasb.methods import Method
from search.nasb.search import CellSearch, SearchEpoch, SearchPlan
from search.nets.cell.genotype import Genotype
from search.nets.cell.space import NASB_OPERATIONS, OperationSet
from search.training.classify import Epoch
from search.training.image_feed import ImageFeed

MB = 1e6


@dataclass(frozen=True)
class MethodResult:
    """What one run gave.

    Args:
        search_s: Wall time of the search alone.
        kept_mb: What one architecture step keeps for its backward pass, at the end of the search.
    """

    genotype: Genotype
    search_s: float
    kept_mb: float
    test_error_percent: float
    params: int


def run_method(
    method: Method,
    data: TrainAndTest,
    scale: CellScale,
    *,
    seed: int,
    folder: Path,
    fabric: Fabric,
    console: Console,
    operations: OperationSet = NASB_OPERATIONS,
) -> MethodResult:
    """Search, derive, train and test; what is finished in `folder` is not done again.

    Raises:
        InputError: the images do not suffice.
        TrainingError: a loss is not a number, or the memory does not suffice.
        RunError: a checkpoint is damaged or of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    architect = _architect(method, scale, operations, seed=seed, fabric=fabric)
    feeds = make_feeds(method, data.train, scale, seed=seed)
    plan = SearchPlan(scale.num_epochs, seed, scale.checkpoint_steps)
    search = CellSearch(architect, plan, fabric=fabric, checkpoint=folder / "search.pt")
    with EventLog(folder / "events.jsonl") as log:
        with console.progress(scale.num_epochs, f"search by {method.label}") as advance:
            genotype = search.run(feeds.train, feeds.valid, on_epoch=_noting(log, "search", advance))
        write_file(folder / "genotype.txt", f"{genotype.text()}\n".encode())
        with console.progress(scale.compact.num_epochs, "compact network") as advance:
            compact = train_compact(
                genotype,
                data,
                scale.compact,
                fabric=fabric,
                checkpoint=folder / "compact.pt",
                on_epoch=_noting(log, "compact", advance),
            )
    return MethodResult(
        genotype=genotype,
        search_s=search.seconds,
        kept_mb=_kept_mb(architect, feeds.valid, fabric),
        test_error_percent=compact.test_error_percent,
        params=compact.params,
    )


def _noting(log: EventLog, kind: str, advance: Advance) -> Callable[[SearchEpoch | Epoch], None]:
    def note(epoch: SearchEpoch | Epoch) -> None:
        log.write(kind, **asdict(epoch))
        advance(1)

    return note


def _architect(
    method: Method, scale: CellScale, operations: OperationSet, *, seed: int, fabric: Fabric
) -> Architect:
    net, architecture = build_supernet(method, scale, seed=seed, operations=operations)
    return Architect(
        net.to(fabric.device),
        architecture.to(fabric.device),
        method,
        rates=scale.rates,
        autocast=fabric.autocast,
    )


def _kept_mb(architect: Architect, valid: ImageFeed, fabric: Fabric) -> float:
    images, labels = (x.to(fabric.device) for x in valid.batch(0))
    relax = architect.method.relaxation(1.0)
    beside = [images, *architect.net.parameters(), *architect.architecture.parameters()]
    return (
        kept_bytes(
            lambda: architect.loss((images, labels), architect.architecture.weights(relax)), beside=beside
        )
        / MB
    )
