"""Bundles to serve: an untrained network of a wanted time, sound in everything but what it finds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import torch

from export.layers import layers_of, total_macs
from export.onnx import export_onnx
from inspector import __version__
from inspector.bundle import GoldenFrame, write_bundle
from inspector.demo_part import render_good
from inspector.manifest import (
    Distribution,
    Manifest,
    NetworkRecord,
    ProvenanceRecord,
    Reference,
    ThresholdChoiceRecord,
    ThresholdRecord,
)
from inspector.preprocess import frame_to_image
from inspector.render import encode_png
from inspector.runtime import open_engine
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec

SLOW_HW, SMALL_HW = (256, 256), (128, 128)
GENES = (0, 1, 2) * 6
WIDTHS = (4, 6, 8, 10, *range(11, 21), 24, 28, 32, 40, 48)
NUM_GOLDEN = 2


def photo_frame(seed: int, *, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return a picture of the demo part, uint8 (H, W, 3) BGR."""
    frame = render_good(np.random.default_rng(seed), size_px=max(shape_hw))
    return np.ascontiguousarray(frame[: shape_hw[0], : shape_hw[1]])


def write_slow_bundle(path: Path, *, wanted_ms: float, threads: int) -> Path:
    """Write a bundle whose bare inference on this machine comes nearest to `wanted_ms`."""
    models: dict[int, tuple[bytes, float]] = {}
    for width in WIDTHS:
        model = _export(width, size_hw=SLOW_HW)
        models[width] = model, _milliseconds(model, threads=threads)
        if models[width][1] > wanted_ms:
            break
    width = min(models, key=lambda one: abs(models[one][1] - wanted_ms))
    return write_untrained(path, models[width][0], size_hw=SLOW_HW, width=width)


def write_small_bundle(path: Path, *, width: int = WIDTHS[0]) -> Path:
    """Write a bundle of a few milliseconds: most of what an answer takes is then the server's."""
    return write_untrained(path, _export(width, size_hw=SMALL_HW), size_hw=SMALL_HW, width=width)


def write_untrained(path: Path, model: bytes, *, size_hw: tuple[int, int], width: int) -> Path:
    """Write `model` as a bundle whose golden scores are its own answers."""
    layers = layers_of(onnx.load_from_string(model))
    engine = open_engine(model, where=str(path), input_hw=size_hw, threads=1)
    frames = [photo_frame(seed, shape_hw=size_hw) for seed in range(NUM_GOLDEN)]
    spread = Distribution.of([0.1, 0.2, 0.3])
    how = ThresholdChoiceRecord(budget=0.005, false_reject_rate=0.0, interval=(0.0, 0.2), num_images=20)
    return write_bundle(
        path,
        manifest=Manifest(
            name="untrained",
            version="1",
            created="2026-11-24T08:00:00Z",
            input_hw=size_hw,
            thresholds=ThresholdRecord(fail=0.9, review=0.8, min_area_px=4, how=how),
            network=NetworkRecord(family="unet", width=width),
            parameters=sum(layer.parameters for layer in layers),
            bytes=len(model),
            macs=total_macs(layers),
            layers=layers,
            provenance=ProvenanceRecord(
                recipe={}, seed=0, data_fingerprint="0" * 64, code_version=__version__
            ),
        ),
        model=model,
        golden=[GoldenFrame(frame, engine.infer(frame_to_image(frame)).reshape(size_hw)) for frame in frames],
        reference=Reference(num_images=3, brightness=spread, focus=spread, score=spread),
        card="# untrained: for measuring time only\n",
        preview_png=encode_png(frames[0]),
    )


def _export(width: int, *, size_hw: tuple[int, int]) -> bytes:
    torch.manual_seed(0)
    detector = build_detector(NetworkSpec(family="unet", genes=GENES, width=width, reconstructor_width=width))
    initialise(detector, "he", seed=0)
    return export_onnx(detector, size_hw=size_hw)


def _milliseconds(model: bytes, *, threads: int, rounds: int = 9) -> float:
    """Return the shortest of a few inferences: the one that nobody disturbed."""
    engine = open_engine(model, where="a probe", input_hw=SLOW_HW, threads=threads)
    image = frame_to_image(photo_frame(0, shape_hw=SLOW_HW))
    took_ms = []
    for _ in range(rounds):
        start_s = time.perf_counter()
        engine.infer(image)
        took_ms.append((time.perf_counter() - start_s) * 1000)
    return min(took_ms)
