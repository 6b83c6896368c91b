"""`inspector reproduce rank-correlation`: can the supernet be trusted to rank networks?

Source: [D] Sec. 5.2.4 ranks by inherited weights; the question: Yu et al., "Evaluating the search phase of
NAS" (ICLR 2020).
Differs from the source: [D] does not measure it.

Random networks are ranked twice: by the fitness that they inherit from a supernet, and by the fitness that
each reaches when it is trained by itself from fresh weights.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from inspector.console import Console
from inspector.output_file import write_file
from search.autodd.paths import PATH_NAMES
from search.nets.spec import digits_of
from search.recipe import parse_recipe
from search.report.figure import BLUE, INK, MUTED
from search.reproduce.canvas import canvas
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value
from search.reproduce.photo_sets import photo_sets, textures
from search.reproduce.rank_agreement import agreement, share_of_best
from search.reproduce.rank_bench import RankBench, Supernet
from search.reproduce.table import Table

LONGER = 3  # times the steps of a supernet
# key of a row -> the supernet that ranks, and whether BN statistics are measured afresh
SUPERNETS = {
    f"{paths}-{times}-{'recalibrated' if recalibrated else 'as-trained'}": (
        Supernet(paths, times),
        recalibrated,
    )
    for times in (1, LONGER)
    for paths in PATH_NAMES
    for recalibrated in (True, False)
}
AGAIN = "retrained-again"
NUM_NETWORKS = {"quick": 10, "cpu": 12, "paper": 20}
SCALES: dict[str, dict[str, Any]] = {
    "quick": {
        "data": {"size": 64},
        "network": {"width": 4, "reconstructor_width": 4},
        "one_shot": {"steps": 200},
        "retraining": {"steps": 200},
    },
    "cpu": {"retraining": {"steps": 1000}},
    "paper": {},
}
TAU, LOW, HIGH = Figure("tau", "Kendall tau"), Figure("low", "95 % from"), Figure("high", "to")


class RankCorrelation(Experiment):
    name: ClassVar[str] = "rank-correlation"
    title: ClassVar[str] = "Inherited fitness against fitness after training from scratch"
    source: ClassVar[str] = "none: [D] Sec. 5.2.4 takes it for granted"
    figures: ClassVar[tuple[Figure, ...]] = (
        TAU,
        LOW,
        HIGH,
        Figure("share_of_best", "fitness of its first over the best"),
        Figure("tau_real", "tau with AUPR on real defects"),
    )

    def rows(self, options: Options) -> Sequence[Row]:
        rows = [
            Row(key, _labels(supernet, recalibrated=recalibrated))
            for key, (supernet, recalibrated) in SUPERNETS.items()
        ]
        labels = {"paths": "none: trained again with other weights", "steps": "", "BN statistics": ""}
        return [*rows, Row(AGAIN, labels)]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        bench = open_bench(options, seed, folder=folder.parent, console=console)
        trained = bench.trained()
        fitness = [network.fitness for network in trained]
        real = [network.real for network in trained if network.real is not None]
        ranked_by = _ranking(bench, row.key)
        found, on_real = agreement(ranked_by, fitness), agreement(ranked_by, real) if real else None
        record = {
            "networks": [digits_of(genes) for genes in bench.networks],
            "ranked_by": ranked_by,
            "trained": fitness,
            "real": real,
        }
        write_file(folder / "networks.json", json.dumps(record, indent=1).encode())
        return {
            "tau": None if found is None else found.tau,
            "low": None if found is None else found.low,
            "high": None if found is None else found.high,
            "share_of_best": share_of_best(ranked_by, fitness),
            "tau_real": None if on_real is None else on_real.tau,
            "num_networks": len(fitness),
        }

    def notes(self, options: Options) -> Sequence[str]:
        num, steps = NUM_NETWORKS[options.preset], SCALES[options.preset].get("retraining", {}).get("steps")
        length = "as the preset says" if steps is None else f"{steps} steps each"
        return (
            f"{num} networks a seed, drawn as the first generation of a search is, trained from fresh "
            f"weights ({length}) on the training part; fitness on the same synthetic validation samples.",
            "The interval is that of tau for one seed (Fieller, Hartley and Pearson); several seeds draw "
            "other networks, and the table shows the mean of each end.",
            "Trained again: the same networks with other fresh weights. No supernet can be expected to agree "
            "better with one training than another training does.",
            "Recalibrated: BN statistics are measured afresh for each network, as a search does; else they "
            "are the moving averages over all paths.",
        )

    def plot(self, table: Table, path: Path) -> None:
        """Draw tau with its interval: a dot and a line a seed, a bar at the mean."""
        found = [row for row in table.rows if table.numbers(row, TAU)]
        if not found:
            return
        with canvas(path, height_in=1.4 + 0.42 * len(found)) as axes:
            axes.axvline(0.0, color=MUTED, linewidth=0.8, linestyle="--")
            for place, row in enumerate(found):
                taus, lows, highs = (table.numbers(row, figure) for figure in (TAU, LOW, HIGH))
                for number, (tau, low, high) in enumerate(zip(taus, lows, highs, strict=True)):
                    at = place + 0.5 * (number + 1) / (len(taus) + 1) - 0.25
                    axes.plot([low, high], [at, at], color=BLUE, linewidth=1, alpha=0.5)
                    axes.plot(tau, at, "o", color=BLUE, markersize=5)
                mean = statistics.fmean(taus)
                axes.plot([mean, mean], [place - 0.3, place + 0.3], color=INK, linewidth=2)
            labels = [" · ".join(filter(None, row.labels.values())) for row in found]
            axes.set_yticks(range(len(found)), labels)
            axes.set_ylim(len(found) - 0.5, -0.5)
            axes.set_xlim(-1.05, 1.05)
            axes.set_xlabel("Kendall tau with the fitness after training from scratch")
            axes.grid(axis="x")


def open_bench(options: Options, seed: int, *, folder: Path, console: Console) -> RankBench:
    """Return the networks of a seed, those that are trained already included."""
    photos, found_textures = photo_sets(options)[0], textures(options)
    record: dict[str, Any] = {
        "preset": options.preset,
        "seed": seed,
        "defects": {"textures": None if found_textures is None else str(found_textures)},
        **SCALES[options.preset],
    }
    record["data"] = {**record.get("data", {}), "root": str(photos.root(folder))}
    return RankBench(parse_recipe(record), NUM_NETWORKS[options.preset], folder, console)


def _ranking(bench: RankBench, key: str) -> list[float]:
    if key == AGAIN:
        return [network.fitness for network in bench.trained(start=1)]
    supernet, recalibrated = SUPERNETS[key]
    return bench.inherited(supernet, recalibrated=recalibrated)


def _labels(supernet: Supernet, *, recalibrated: bool) -> dict[str, str]:
    return {
        "paths": supernet.paths,
        "steps": f"{supernet.times} x",
        "BN statistics": "recalibrated" if recalibrated else "as trained",
    }
