"""The exported network, past the gates that need no images, in the runtime that will serve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from export.budget import Budget, NetworkSize
from export.evidence import Score
from export.layers import layers_of, total_macs
from export.onnx import Exporter, export_onnx
from export.operators import OPSET, check_operators
from export.trained import Trained
from inspector.console import Console
from inspector.manifest import LayerRecord
from inspector.preprocess import frame_to_image, resize_frame
from inspector.runtime import open_engine
from inspector.runtime.engine import Engine

Infer = Callable[[np.ndarray], np.ndarray]  # image (1, 3, H, W) -> score (1, 1, H, W)


@dataclass(frozen=True)
class Exported:
    """`model` is the ONNX file; `score` maps a frame of any size to its score map (H, W)."""

    model: bytes
    layers: list[LayerRecord]
    size: NetworkSize
    score: Score


def export_network(
    trained: Trained, *, console: Console, threads: int | None = None, exporter: Exporter = "torchscript"
) -> Exported:
    """Export the network and load it; `console` hears of each gate.

    Raises:
        RunError, OperatorError, BudgetError: a gate is closed.
    """
    model = export_onnx(trained.detector, size_hw=trained.size_hw, exporter=exporter)
    graph = onnx.load_from_string(model)
    console.say(f"onnx        opset {OPSET}, IR {graph.ir_version}, {len(model) / 1e6:.2f} MB")
    console.say(f"operators   {check_operators(graph)} nodes, all run on TensorRT 8.2")
    layers = layers_of(graph)
    size = NetworkSize(
        parameters=sum(parameter.numel() for parameter in trained.detector.parameters()),
        file_bytes=len(model),
        macs=total_macs(layers),
    )
    console.say(f"size        {Budget().tightened_by(trained.recipe.get('limits', {})).check(size)}")
    score = score_with(load(model, trained, threads=threads).infer, size_hw=trained.size_hw)
    return Exported(model, layers, size, score)


def load(model: bytes, trained: Trained, *, threads: int | None = None) -> Engine:
    """Load the ONNX file of a trained network into the runtime here."""
    return open_engine(model, where="the exported network", input_hw=trained.size_hw, threads=threads)


def score_with(infer: Infer, *, size_hw: tuple[int, int]) -> Score:
    """Return what maps a frame of any size to its score map (H, W)."""

    def score(frame: np.ndarray) -> np.ndarray:
        return infer(frame_to_image(resize_frame(frame, size_hw=size_hw))).reshape(size_hw)

    return score
