"""What can be exported for, in which precision, and how that precision gets onto the device.

Source: facts/jetson.md, section 5: a Nano computes FP16 at twice the rate and has no INT8; TensorRT builds
its FP16 engine from an FP32 file, onnxruntime's CUDA provider gains only from an FP16 file.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from export.quantize import FLAVOURS, Flavour
from inspector.errors import InputError

FASTEST = "fastest"


@dataclass(frozen=True)
class Target:
    """A device, or a runtime on any device.

    precisions: what it computes in; the first is the default, before which `fastest` stands where export
        measures which one is.
    flavour: how INT8 is written for it.
    builds_fp16: it makes FP16 of an FP32 file by itself.
    """

    name: str
    precisions: tuple[str, ...]
    flavour: Flavour
    builds_fp16: bool
    about: str

    @property
    def default_precision(self) -> str:
        return self.precisions[0]


TARGETS = {
    target.name: target
    for target in (
        Target("onnx", ("fp32",), FLAVOURS["cpu"], False, "any runtime that reads ONNX opset 13"),
        Target("cpu", (FASTEST, "fp32", "int8"), FLAVOURS["cpu"], False, "onnxruntime on a processor"),
        Target(
            "jetson-nano",
            ("fp16", "fp32"),
            FLAVOURS["tensorrt"],
            True,
            "TensorRT 8.2 of JetPack 4.6, no INT8",
        ),
        Target(
            "jetson-orin", ("fp16", "fp32", "int8"), FLAVOURS["tensorrt"], True, "TensorRT 10 of JetPack 6"
        ),
        Target("cuda", ("fp32", "fp16"), FLAVOURS["tensorrt"], False, "onnxruntime on an NVIDIA GPU"),
    )
}


@dataclass(frozen=True)
class Plan:
    """A target and the precision to reach on it: `fp32`, `fp16`, `int8`, or `fastest` to be measured."""

    target: Target
    precision: str

    @property
    def file_precision(self) -> str:
        """The arithmetic in model.onnx."""
        return "fp32" if self.precision == "fp16" and self.target.builds_fp16 else self.precision


def plan_for(target: str, *, precision: str | None = None) -> Plan:
    """Return what to export for the target of this name; its own default where `precision` is None.

    Raises:
        InputError: an unknown target, or a precision that it does not compute in.
    """
    if target not in TARGETS:
        raise InputError(f"unknown target {target!r}; the targets are: {', '.join(TARGETS)}")
    found = TARGETS[target]
    if precision is not None and precision not in found.precisions:
        raise InputError(
            f"the target {target} does not compute in {precision!r} ({found.about}); "
            f"its precisions are: {', '.join(found.precisions)}"
        )
    return Plan(found, precision or found.default_precision)


@dataclass(frozen=True)
class Choice:
    """The faster of two precisions, and why."""

    precision: str
    reason: str


def choose_faster(fp32_ms: Sequence[float], int8_ms: Sequence[float]) -> Choice:
    """Compare two networks that were timed in turn on this machine, by the medians of their milliseconds.

    >>> choose_faster([9.0, 10.0, 30.0], [5.0, 5.0, 5.0])
    Choice(precision='int8', reason='INT8 takes 5 ms a photo where FP32 takes 10 ms (2.00 times as fast)')
    """
    fp32, int8 = statistics.median(fp32_ms), statistics.median(int8_ms)
    if int8 < fp32:
        return Choice(
            "int8",
            f"INT8 takes {int8:.3g} ms a photo where FP32 takes {fp32:.3g} ms "
            f"({fp32 / int8:.2f} times as fast)",
        )
    return Choice("fp32", f"INT8 is not faster: {int8:.3g} ms a photo where FP32 takes {fp32:.3g} ms")
