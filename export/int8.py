"""A network at INT8 with no more loss than its recipe allows: ranges, scan, record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from export.exported import load
from export.float_nodes import in_float
from export.quantize import Flavour, check_symmetric, quantizable_nodes, quantize
from export.sensitivity import scan
from export.trained import Trained
from export.trial import Trial, calibration_images, trial_of
from inspector.console import Console
from inspector.manifest import QuantizationRecord
from search.recipe import ExportRecipe

ROOM = 0.5  # of the allowed loss: the rest is for photos that the scan has not seen
NUM_RANKED = 2  # images, one of them with a defect, on which single convolutions are ranked


@dataclass(frozen=True)
class Quantized:
    """`model` is the ONNX file."""

    model: bytes
    record: QuantizationRecord


def export_recipe(trained: Trained) -> ExportRecipe:
    """Return the recipe's section; the defaults where the run is older than it."""
    return ExportRecipe.model_validate(trained.recipe.get("export", {}))


def quantize_within_loss(trained: Trained, model: bytes, *, flavour: Flavour, console: Console) -> Quantized:
    """Quantise the FP32 file `model`, with as few convolutions in float as half of the recipe's loss allows.

    Raises:
        PrecisionError: it loses more, whatever stays in float.
        OperatorError: there is nothing to quantise, or TensorRT would not read it.
    """
    recipe = export_recipe(trained)
    images = calibration_images(trained, num_images=recipe.calibration_images)
    search = _Search(trained, model, quantize(model, images, flavour=flavour))
    nodes = quantizable_nodes(search.original)
    goal = ROOM * recipe.max_aupr_loss
    found = scan(nodes, loss_of=search.loss, error_of=search.error, max_loss=goal)
    quantized = search.graph(found.float_nodes)
    if flavour.symmetric:
        console.say(f"operators   {check_symmetric(quantized)} Q and DQ nodes, all symmetric S8")
    data = quantized.SerializeToString(deterministic=True)
    console.say(
        f"int8        {len(nodes) - len(found.float_nodes)} of {len(nodes)} convolutions, ranges from "
        f"{len(images)} good photos and drawn defects; AUPR loss {found.loss:.4f} of "
        f"{goal:g} on drawn defects; {len(data) / 1e6:.2f} MB"
    )
    return Quantized(
        data,
        QuantizationRecord(
            flavour=flavour.name,
            num_calibration=len(images),
            num_nodes=len(nodes),
            float_nodes=list(found.float_nodes),
        ),
    )


class _Search:
    """What the scan asks: loss and error of the quantised graph with some nodes in float."""

    def __init__(self, trained: Trained, model: bytes, quantized: onnx.ModelProto) -> None:
        self.original = onnx.load_from_string(model)
        self._quantized = quantized
        self._trained = trained
        self._trial = trial_of(trained, num_images=export_recipe(trained).trial_images)
        self._ranked = Trial(self._trial.images[:NUM_RANKED], self._trial.masks[:NUM_RANKED])
        self._expected = self._trial.scores(load(model, trained).infer)
        self._aupr_before = self._trial.aupr(self._expected)

    def graph(self, float_nodes: Sequence[str]) -> onnx.ModelProto:
        return in_float(self._quantized, self.original, nodes=float_nodes)

    def loss(self, float_nodes: Sequence[str]) -> float:
        return self._aupr_before - self._trial.aupr(self._scores(float_nodes, self._trial))

    def error(self, node: str) -> float:
        """Return the mean square error of the scores with `node` alone quantised."""
        others = [name for name in quantizable_nodes(self.original) if name != node]
        difference = self._scores(others, self._ranked) - self._expected[:NUM_RANKED]
        return float(np.square(difference).mean())

    def _scores(self, float_nodes: Sequence[str], trial: Trial) -> np.ndarray:
        return trial.scores(load(self.graph(float_nodes).SerializeToString(), self._trained).infer)
