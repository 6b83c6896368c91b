"""A network at INT8 with no more loss than its recipe allows: like ranges, scan, record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from export.equalise import equalised
from export.exported import load
from export.float_nodes import in_float
from export.layers import layers_of
from export.quantize import Flavour, blocks_of, check_symmetric, quantizable_nodes, quantize
from export.sensitivity import Block, Loss, scan
from export.trained import Trained
from export.trial import Trial, calibration_images, trial_of
from inspector.console import Console
from inspector.manifest import QuantizationRecord
from search.recipe import ExportRecipe

ROOM = 0.5  # of the allowed loss: the rest is for photos that the scan has not seen
ERROR_PER_LOSS = 1.5  # root mean square error of the scores per allowed loss of AUPR (docs/export.md)
RANKED = slice(1, 2)  # the image, with a defect, on which single blocks are ranked


@dataclass(frozen=True)
class Quantized:
    """`model` is the ONNX file."""

    model: bytes
    record: QuantizationRecord


def export_recipe(trained: Trained) -> ExportRecipe:
    """Return the recipe's section; the defaults where the run is older than it."""
    return ExportRecipe.model_validate(trained.recipe.get("export", {}))


def quantize_within_loss(
    trained: Trained, model: bytes, *, flavour: Flavour, console: Console, threads: int | None = None
) -> Quantized:
    """Quantise the FP32 file `model`, with as little in float as half of the recipe's loss allows.

    Raises:
        PrecisionError: it loses more, whatever stays in float.
        OperatorError: there is nothing to quantise, or TensorRT would not read it.
    """
    recipe = export_recipe(trained)
    images = calibration_images(trained, num_images=recipe.calibration_images)
    original = equalised(onnx.load_from_string(model), images)
    nodes = quantizable_nodes(original)
    quantized = quantize(original.SerializeToString(), images, flavour=flavour)
    search = _Search(trained, original, quantized, expect=model, threads=threads)
    limit = Loss(ROOM * recipe.max_aupr_loss, ERROR_PER_LOSS * recipe.max_aupr_loss)
    found = scan(search.blocks(), loss_of=search.loss, error_of=search.error, limit=limit)
    chosen = search.graph(found.float_nodes)
    if flavour.symmetric:
        console.say(f"operators   {check_symmetric(chosen)} Q and DQ nodes, all symmetric S8")
    data = chosen.SerializeToString(deterministic=True)
    console.say(
        f"int8        {len(nodes) - len(found.float_nodes)} of {len(nodes)} convolutions and "
        f"{100 * (1 - found.float_share):.1f} % of their multiply-adds, ranges from "
        f"{len(images)} good photos and drawn defects; {len(data) / 1e6:.2f} MB"
    )
    console.say(
        f"loss        {found.loss.aupr:.4f} of AUPR (of {limit.aupr:g}) on drawn defects, scores moved by "
        f"{found.loss.error:.4f} (of {limit.error:g}); {found.num_tried} choices tried"
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

    def __init__(
        self,
        trained: Trained,
        original: onnx.ModelProto,
        quantized: onnx.ModelProto,
        *,
        expect: bytes,
        threads: int | None,
    ) -> None:
        self._original, self._quantized = original, quantized
        self._trained, self._threads = trained, threads
        self._trial = trial_of(trained, num_images=export_recipe(trained).trial_images)
        self._ranked = Trial(self._trial.images[RANKED], self._trial.masks[RANKED])
        self._expected = self._trial.scores(load(expect, trained, threads=threads).infer)
        self._aupr_before = self._trial.aupr(self._expected)

    def blocks(self) -> dict[Block, int]:
        macs = {layer.name: layer.macs for layer in layers_of(self._original)}
        return {block: sum(macs[name] for name in block) for block in blocks_of(self._original)}

    def graph(self, float_nodes: Sequence[str]) -> onnx.ModelProto:
        return in_float(self._quantized, self._original, nodes=float_nodes)

    def loss(self, float_nodes: Sequence[str]) -> Loss:
        scores = self._scores(float_nodes, self._trial)
        error = float(np.sqrt(np.square(scores - self._expected).mean()))
        return Loss(self._aupr_before - self._trial.aupr(scores), error)

    def error(self, block: Block) -> float:
        """Return the mean square error of the scores with `block` alone quantised."""
        others = [name for name in quantizable_nodes(self._original) if name not in block]
        return float(np.square(self._scores(others, self._ranked) - self._expected[RANKED]).mean())

    def _scores(self, float_nodes: Sequence[str], trial: Trial) -> np.ndarray:
        model = self.graph(float_nodes).SerializeToString()
        return trial.scores(load(model, self._trained, threads=self._threads).infer)
