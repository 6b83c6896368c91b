"""A bundle whose network, one 1x1 convolution, finds bright pixels; built without torch, in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inspector.bundle import GoldenFrame, write_bundle
from inspector.manifest import (
    Distribution,
    LayerRecord,
    Manifest,
    NetworkRecord,
    ProvenanceRecord,
    Reference,
    ThresholdChoiceRecord,
    ThresholdRecord,
)

SIZE_HW = (32, 48)
GAIN, BRIGHT = 20.0, 0.7


def tiny_model(size_hw: tuple[int, int] = SIZE_HW) -> onnx.ModelProto:
    """Return score = sigmoid(GAIN * (mean of RGB - BRIGHT))."""
    weight = np.full((1, 3, 1, 1), GAIN / 3, np.float32)
    bias = np.array([-GAIN * BRIGHT], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight", "bias"], ["logits"], name="conv"),
            helper.make_node("Sigmoid", ["logits"], ["score"], name="sigmoid"),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *size_hw])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1, *size_hw])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def expected_score(frame: np.ndarray) -> np.ndarray:
    """What `tiny_model` says of a frame at network input size."""
    logits = GAIN * (frame.astype(np.float32).mean(axis=2) / 255 - BRIGHT)
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


def part(
    seed: int, *, defect: bool, size_hw: tuple[int, int] = SIZE_HW, scale: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return a gray noisy frame and its mask; a defect is a bright square."""
    rng = np.random.default_rng(seed)
    height, width = size_hw[0] * scale, size_hw[1] * scale
    frame = rng.integers(90, 110, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.uint8)
    if defect:
        mask[8 * scale : 20 * scale, 12 * scale : 28 * scale] = 1
        frame[mask == 1] = 250
    return frame, mask


def tiny_manifest(model: bytes, **changes: Any) -> Manifest:
    """Return a valid manifest of `model`, with `changes` on top."""
    fields: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "created": "2026-11-24T08:00:00Z",
        "input_hw": SIZE_HW,
        "thresholds": ThresholdRecord(
            fail=0.5,
            review=0.25,
            min_area_px=4,
            how=ThresholdChoiceRecord(
                budget=0.005, false_reject_rate=0.0, interval=(0.0, 0.2), num_images=20, warning="few images"
            ),
        ),
        "network": NetworkRecord(family="unet", width=1),
        "parameters": 4,
        "bytes": len(model),
        "macs": 3 * SIZE_HW[0] * SIZE_HW[1],
        "layers": [LayerRecord(name="conv", op="Conv", in_channels=3, out_channels=1, kernel=(1, 1))],
        "provenance": ProvenanceRecord(recipe={}, seed=0, data_fingerprint="0" * 64, code_version="0.1.0"),
    }
    return Manifest(**{**fields, **changes})


def tiny_golden() -> list[GoldenFrame]:
    """Return one good and one defective frame with their scores."""
    frames = [part(seed, defect=defect)[0] for seed, defect in ((1, False), (2, True))]
    return [GoldenFrame(frame, expected_score(frame)) for frame in frames]


def write_tiny_bundle(path: Path, **manifest_changes: Any) -> Path:
    """Write the bundle to `path`, a folder or `*.bundle`."""
    model = tiny_model().SerializeToString()
    distribution = Distribution.of([0.1, 0.2, 0.3])
    return write_bundle(
        path,
        manifest=tiny_manifest(model, **manifest_changes),
        model=model,
        golden=tiny_golden(),
        reference=Reference(num_images=3, brightness=distribution, focus=distribution, score=distribution),
        card="# tiny\n",
        preview_png=cv2.imencode(".png", part(2, defect=True)[0])[1].tobytes(),
    )


def write_tiny_dataset(root: Path, *, num_good: int = 6, num_defect: int = 3, scale: int = 2) -> Path:
    """Write a data set in MVTec-AD layout that `tiny_model` can judge."""
    for folder, count, defect in (
        ("train/good", num_good, False),
        ("test/good", num_good, False),
        ("test/spot", num_defect, True),
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            frame, mask = part(hash_of(folder) + number, defect=defect, scale=scale)
            cv2.imwrite(str(root / folder / f"{number:03d}.png"), frame)
            if defect:
                mask_folder = root / folder.replace("test", "ground_truth")
                mask_folder.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(mask_folder / f"{number:03d}_mask.png"), mask * 255)
    return root


def hash_of(text: str) -> int:
    """Return a small number that is the same in every process."""
    return sum(text.encode()) * 1000
