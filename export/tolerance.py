"""How far the golden scores may be from those of a device, for each precision that it may compute in.

FP32: 1e-4. FP16: three times what rounding to FP16 changed here. INT8: three times the distance of two honest
implementations of the same quantised graph, integer kernels and float arithmetic over quantised values; other
processors and versions lie between them. Each has a floor, for three golden frames are few.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.evidence import Score
from export.exported import Infer
from inspector.manifest import FP32_TOLERANCE

FLOOR = {"fp16": 0.01, "int8": 0.02}
CEILING = 0.25
FACTOR = 3.0


def tolerance_of(precision: str, *, file_precision: str, difference: float) -> dict[str, float]:
    """Return the tolerance by what the runtime computes in.

    Args:
        difference: Largest difference of two ways to compute in `precision`.

    >>> tolerance_of("fp16", file_precision="fp32", difference=0.001)
    {'fp32': 0.0001, 'fp16': 0.01}
    """
    if precision == "fp32":
        return {"fp32": FP32_TOLERANCE}
    reduced = min(CEILING, max(FLOOR[precision], FACTOR * difference))
    # A runtime that calls itself FP32 or FP16 still rounds as a reduced file says.
    others = {"fp32": FP32_TOLERANCE} if file_precision == "fp32" else {"fp32": reduced, "fp16": reduced}
    return {**others, precision: reduced}


def largest_difference(first: Score, second: Score, frames: Sequence[np.ndarray]) -> float:
    """Return how far the scores of two networks are apart at most."""
    return max(float(np.abs(first(frame) - second(frame)).max()) for frame in frames)


def literal(model: bytes) -> Infer:
    """Return what computes the graph node by node as written: image (1, 3, H, W) -> score (1, 1, H, W)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda image: np.asarray(session.run(["score"], {"image": image})[0])
