"""Times one drawn defect of each style at 256 x 256 on one core, and Perlin noise against its rivals."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.generator.rivals import anomalib_sample, package_noise, plain_noise
from benchmarks.report import Timing, measure_in_turn, print_result, say
from inspector.demo_part.scene import render_good
from inspector.errors import DatasetError
from search.defects import FolderTextures, ProceduralTextures, sample_rng, synthesise
from search.defects.choose import STYLES, make_style
from search.defects.noise import FloatMap, draw_gradients, perlin_noise
from search.defects.style import DefectStyle, Frame
from search.defects.textures import TextureSource
from search.recipe import DefectsRecipe

SIZE = 256
NUM_PHOTOS = 8  # good photos that some styles take patches from
TARGET_MS = 2.0
OPTIONAL = {"package_noise": "noise", "anomalib_sample": "anomalib"}  # candidate -> package it needs
Candidates = dict[str, tuple[Callable[[], object], int]]


def main() -> None:
    args = _arguments()
    cv2.setNumThreads(1)
    try:
        textures = FolderTextures(args.textures) if args.textures else ProceduralTextures(0)
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    bank = [
        textures.texture(index, (SIZE, SIZE)) for index in range(len(textures))
    ]  # decoded, as in training
    with tempfile.TemporaryDirectory() as folder:
        photos = [render_good(np.random.default_rng((0, i)), size_px=SIZE) for i in range(NUM_PHOTOS)]
        styles = _styles(textures, photos)
        candidates: Candidates
        candidates = {name: _sample(style, photos[0], args.samples) for name, style in styles.items()}
        candidates["training_sample"] = _training_sample(styles["perlin"], photos[0], args.samples)
        if anomalib := anomalib_sample(bank[0], bank, Path(folder)):
            candidates["anomalib_sample"] = (lambda: [anomalib() for _ in range(10)], 10)
        candidates |= _noises()
        for name in OPTIONAL.keys() - candidates.keys():
            say(f"{OPTIONAL[name]} is not installed: {name} is skipped", json_output=args.json)
        timings = measure_in_turn(candidates, rounds=args.rounds)
    say(f"medians of {args.rounds} rounds, {type(textures).__name__}", json_output=args.json)
    for name, timing in timings.items():
        line = f"{name:16s} {timing.cpu_ms:8.3f} ms processor time {timing.wall_ms:8.3f} ms wall"
        say(line, json_output=args.json)
    _report(timings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--rounds", type=int, default=9, help="rounds, of which the median counts")
    parser.add_argument("--samples", type=int, default=200, help="samples a round")
    parser.add_argument("--textures", type=Path, help="folder of textures instead of the drawn ones")
    return parser.parse_args()


def _styles(textures: TextureSource, photos: list[Frame]) -> dict[str, DefectStyle]:
    names = (*STYLES, "mixed")
    return {name: make_style(DefectsRecipe(style=name), textures, photos) for name in names}


def _rngs(num_samples: int) -> list[np.random.Generator]:
    return [sample_rng(seed=0, epoch=0, index=index) for index in range(num_samples)]


def _sample(style: DefectStyle, frame: Frame, num_samples: int) -> tuple[Callable[[], object], int]:
    """One defect. All rounds draw the same ones, so that only the machine differs between rounds."""
    return (lambda: [style(frame, rng) for rng in _rngs(num_samples)], num_samples)


def _training_sample(style: DefectStyle, frame: Frame, num_samples: int) -> tuple[Callable[[], object], int]:
    return (lambda: [synthesise(frame, style, rng) for rng in _rngs(num_samples)], num_samples)


def _noises() -> Candidates:
    """The noise alone, over all scales that a sample may draw; the cost of the rivals depends on no scale."""
    rng = np.random.default_rng(0)
    grids = [draw_gradients(rng, (2**a, 2**b)) for a in range(6) for b in range(6)]
    one = grids[8]
    _check(one)
    candidates: Candidates = {
        "noise": (lambda: [perlin_noise(grid, (SIZE, SIZE)) for grid in grids], len(grids)),
        "plain_noise": (lambda: plain_noise(one, SIZE), 1),
    }
    if package := package_noise():
        candidates["package_noise"] = (lambda: package(one, SIZE), 1)
    return candidates


def _check(gradients: FloatMap) -> None:
    """A rival that computes something else would be no rival."""
    fast, plain = perlin_noise(gradients, (SIZE, SIZE)), plain_noise(gradients, SIZE)
    np.testing.assert_allclose(fast, plain, atol=1e-6, rtol=0)


def _report(timings: dict[str, Timing]) -> None:
    def ratio(slow: str, fast: str) -> float | None:
        return timings[slow].cpu_ms / timings[fast].cpu_ms if slow in timings else None

    of_style = {name: timings[name].cpu_ms for name in (*STYLES, "mixed")}
    slowest = max(of_style, key=lambda name: of_style[name])
    value = of_style[slowest]
    print_result(
        name="generator",
        value=value,
        slowest_style=slowest,
        unit="ms",
        target=TARGET_MS,
        holds=value <= TARGET_MS,
        clock="processor time of one thread, median of the rounds",
        cpu_ms={name: timing.cpu_ms for name, timing in timings.items()},
        wall_ms={name: timing.wall_ms for name, timing in timings.items()},
        ratios={
            "plain_noise_over_noise": ratio("plain_noise", "noise"),
            "package_noise_over_noise": ratio("package_noise", "noise"),
            "anomalib_sample_over_perlin": ratio("anomalib_sample", "perlin"),
        },
        not_installed=[package for name, package in OPTIONAL.items() if name not in timings],
    )


if __name__ == "__main__":
    main()
