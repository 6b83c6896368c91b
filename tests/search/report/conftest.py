"""Made-up run folders that look like real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from search.events import EventLog
from search.report.gallery import GalleryItem

WINNER = "012120112021210100"
RECIPE = """\
# a made-up recipe
data: {root: ../shared/data/magnetic_tile, layout: magnetic_tile}
limits: {max_params_m: 1.25, max_size_mb: 5.0, max_macs_g: 4.0}
space: unet
one_shot: {steps: 2000, batch: 8, lr: 0.001}
evolution: {population: 50, iterations: 8, top: 10}
retraining: {steps: 3000, batch: 8, lr: 0.001}
seed: 7
"""


def write_training(log: EventLog, stage: str, *, num_steps: int, rng: np.random.Generator) -> None:
    """Write a falling, noisy loss every 20 steps."""
    for step in range(20, num_steps + 1, 20):
        fall = float(np.exp(-4 * step / num_steps))
        noise = rng.lognormal(0, 0.12, 3)
        l2, ssim, focal = 0.002 + 0.05 * fall, 0.12 + 0.5 * fall, 0.006 + 0.03 * fall
        parts = {"l2": l2 * noise[0], "ssim": ssim * noise[1], "focal": focal * noise[2]}
        log.write("step", stage=stage, step=step, loss=sum(parts.values()), **parts, lr=1e-3, steps_per_s=4.2)


def write_evolution(log: EventLog, *, num_generations: int, rng: np.random.Generator) -> None:
    """Write generations of candidates that grow better, and some rejected ones."""
    for generation in range(num_generations):
        for index in range(50 if generation == 0 else 25):
            genes = "".join(map(str, rng.integers(0, 3, 18)))
            size_mb = float(rng.uniform(1.2, 5.0))
            fitness = float(0.35 + 0.02 * generation + 0.03 * size_mb + rng.normal(0, 0.04))
            if generation == num_generations - 1 and index == 7:
                genes, size_mb, fitness = WINNER, 3.4, 0.74
            log.write("candidate", generation=generation, genes=genes, fitness=fitness,
                      params=int(size_mb * 250_000), size_mb=size_mb, macs_g=size_mb / 3)  # fmt: skip
        log.write(
            "rejected", generation=generation, genes="0" * 18, reason="5.90 MB is over the limit of 5.00 MB"
        )
        log.write("generation", generation=generation, best=0.5 + 0.03 * generation, top=[], num_rejected=1)


def write_run(run: Path, *, until: str = "evaluation", charts: bool = True) -> Path:
    """Write a run folder as it is after the stage `until` has finished.

    Without `charts` the log holds only the stages: there is nothing to draw, so that the report is quick.
    """
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    rng = np.random.default_rng(0)
    writers: dict[str, Callable[[EventLog], None]] = {
        "one_shot": lambda log: write_training(log, "one_shot", num_steps=2000, rng=rng),
        "evolution": lambda log: write_evolution(log, num_generations=8, rng=rng),
        "retraining": lambda log: write_training(log, "retraining", num_steps=3000, rng=rng),
        "evaluation": lambda log: None,
    }
    with EventLog(run / "events.jsonl") as log:
        for stage, write in writers.items():
            log.write("stage", stage=stage, state="started")
            if charts:
                write(log)
            log.write("stage", stage=stage, state="finished")
            if stage == until:
                break
    if until == "evaluation":
        (run / "result.json").write_text(json.dumps(result()), encoding="utf-8")
    return run


def result() -> dict[str, Any]:
    """Return a whole result."""
    return {
        "state": "finished",
        "space": "unet",
        "genes": {"space": "unet", "digits": WINNER},
        "network": {"family": "unet", "width": 16, "reconstructor_width": 16},
        "size_hw": [128, 128],
        "params": 850_123,
        "size_mb": 3.400492,
        "macs_g": 1.13,
        "limits": {"max_params_m": 1.25, "max_size_mb": 5.0, "max_macs_g": 4.0, "max_latency_ms": None},
        "metrics": {
            "pixel_aupr": 0.4631,
            "pixel_aupr_dilated": 0.4492,
            "pixel_aupr_eroded": 0.4804,
            "pixel_auroc": 0.9312,
            "pro": 0.8127,
            "image_auroc": 0.9021,
            "image_ap": 0.8754,
            "per_defect": {
                "MT_Blowhole": {"pixel_aupr": 0.51, "pixel_auroc": 0.95, "pro": 0.86, "image_auroc": 0.93},
                "MT_Break": {"pixel_aupr": 0.55, "pixel_auroc": 0.92, "pro": 0.79, "image_auroc": 0.94},
                "MT_Crack": {"pixel_aupr": 0.31, "pixel_auroc": None, "pro": None, "image_auroc": 0.81},
            },
            "num_good": 161,
            "num_defect": 257,
            "num_unmasked": 0,
            "pixel_metrics": "exact",
            "latency_ms_median": 14.21,
            "false_reject_rate": None,
            "miss_rate": None,
        },
        "recipe": {"seed": 7},
        "seed": 7,
        "data": {
            "root": "magnetic_tile",
            "layout": "magnetic_tile",
            "fingerprint": "ab" * 32,
            "num_train": 640,
        },
        "provenance": {"code_version": "0.1.0+c828a25", "torch": "2.14.1+cpu", "machine": "x86_64, 2 cores"},
        "seconds": {"one_shot": 1210.4, "evolution": 640.1, "retraining": 1633.0, "evaluation": 41.9},
    }


def write_gallery(
    num_items: int, *, caption: str = "test/crack/{:03d}.png, crack, image score 0.93"
) -> list[GalleryItem]:
    """Return frames of brushed metal with a dark crack, a plausible score map, and every third one good."""
    rng = np.random.default_rng(1)
    items = []
    for index in range(num_items):
        noise = rng.normal(150, 25, (300, 380)).astype(np.float32)
        frame = cv2.cvtColor(cv2.blur(noise, (41, 1)).clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        truth = np.zeros((300, 380), np.uint8)
        if index % 3:
            corners = rng.integers(40, 260, (4, 1, 2)).astype(np.int32)
            cv2.polylines(truth, [corners], False, 1, 5)
            frame[truth == 1] = 60
        score = cv2.resize(cv2.blur(truth.astype(np.float32), (9, 9)), (128, 128))
        items.append(GalleryItem(frame, score * 0.95, truth, caption.format(index)))
    return items


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a run folder with the options of `write_run`."""
    return lambda name="tile run", **options: write_run(tmp_path_factory.mktemp("runs") / name, **options)


@pytest.fixture(scope="session")
def make_gallery() -> Callable[..., list[GalleryItem]]:
    """Return so many gallery items."""
    return write_gallery
