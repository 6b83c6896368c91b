"""Static INT8 quantisation: a QDQ graph at opset 13 from an FP32 one and images of good parts.

`cpu`: activations U8, weights S8 per channel and within 7 bits. The kernels of processors without VNNI add
pairs of products in 16 bits, which two products with 8-bit weights overflow: with 7 bits all processors give
the same answer. `tensorrt`: activations and weights symmetric S8 with zero point 0, weights as float behind
their own Q/DQ pair, and biases in float, which is what its parser reads.

Source: onnxruntime.quantization; ONNX operators QuantizeLinear and DequantizeLinear, version 13 (per axis).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.operators import OPSET
from export.qdq import drop_unused, producers_of, unquantized
from inspector.errors import OperatorError

FlavourName = Literal["cpu", "tensorrt"]
CONVOLUTIONS = ("Conv", "ConvTranspose")
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")


@dataclass(frozen=True)
class Flavour:
    """What a runtime reads of a quantised graph.

    operators: whose inputs and outputs are quantised. Resize is not among them: onnxruntime's U8 kernel is no
        faster than the float one (benchmarks/runtime), and TensorRT moves the pairs by itself.
    """

    name: FlavourName
    symmetric: bool
    operators: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        """Return the `extra_options` of onnxruntime.quantization."""
        return {
            "ActivationSymmetric": self.symmetric,
            "WeightSymmetric": True,
            "AddQDQPairToWeight": self.symmetric,
            "QuantizeBias": not self.symmetric,
            "QDQKeepRemovableActivations": True,  # a node that stays in float needs its Relu
        }


FLAVOURS: dict[FlavourName, Flavour] = {
    "cpu": Flavour("cpu", symmetric=False, operators=("Conv", "MaxPool", "Concat", "Relu")),
    "tensorrt": Flavour("tensorrt", symmetric=True, operators=("Conv", "Relu")),
}


def quantize(model: bytes, images: Sequence[np.ndarray], *, flavour: Flavour) -> onnx.ModelProto:
    """Return `model` with every convolution but the last in INT8; ranges are the extremes seen on `images`.

    The last one makes the scores: 256 levels would tie them, and it costs next to nothing in float.

    Args:
        model: FP32 at opset 13.
        images: Network inputs, float32 (1, 3, H, W), at least one.

    Raises:
        OperatorError: the network has no convolution to quantise.
    """
    nodes = quantizable_nodes(onnx.load_from_string(model))
    if not nodes:
        raise OperatorError(
            "the network has no convolution besides its head, so INT8 gains nothing; use fp32"
        )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(_prepared(model))
        _run(source, target, images, flavour=flavour)
        quantized = onnx.load_from_string(target.read_bytes())
    return _finished(quantized, like=onnx.load_from_string(model))


def quantizable_nodes(model: onnx.ModelProto) -> list[str]:
    """Return the names of the convolutions in the order of execution, without the last one."""
    return [node.name for node in model.graph.node if node.op_type in CONVOLUTIONS][:-1]


def blocks_of(model: onnx.ModelProto) -> list[tuple[str, ...]]:
    """Return the quantizable convolutions in blocks: one, or a depthwise and the pointwise that reads it."""
    blocks: list[tuple[str, ...]] = []
    last_output = ""
    quantizable = set(quantizable_nodes(model))
    for node in model.graph.node:
        if node.name in quantizable:
            joins = bool(blocks) and node.input[0] == last_output
            blocks = [*blocks[:-1], (*blocks[-1], node.name)] if joins else [*blocks, (node.name,)]
            last_output = node.output[0]
    return blocks


def check_symmetric(model: onnx.ModelProto) -> int:
    """Return how many Q and DQ nodes there are, all of them S8 with zero point 0, as TensorRT wants.

    Raises:
        OperatorError: a node that is not; the sentence names it.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    for node in nodes:
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None
        is_wrong = zero is None or zero.data_type != TensorProto.INT8 or np.any(numpy_helper.to_array(zero))
        if is_wrong:
            raise OperatorError(
                f"node {node.name} ({node.op_type}) is not symmetric S8 with zero point 0, which is all that "
                "TensorRT reads; export for another target or with --precision fp16"
            )
    return len(nodes)


def _run(source: Path, target: Path, images: Sequence[np.ndarray], *, flavour: Flavour) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    head = [node.name for node in onnx.load(source).graph.node if node.op_type in CONVOLUTIONS][-1:]
    with _errors_only():
        quantize_static(
            str(source),
            str(target),
            _reader(images),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8 if flavour.symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=not flavour.symmetric,
            op_types_to_quantize=list(flavour.operators),
            nodes_to_exclude=head,
            extra_options=flavour.options,
        )


def _reader(images: Sequence[np.ndarray]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self._images: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._images, None)
            return None if image is None else {"image": image}

    return Images()


@contextmanager
def _errors_only() -> Iterator[None]:
    """Silence the warnings of each session that calibration opens."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(2)


def _prepared(model: bytes) -> bytes:
    """Mark the graph as prepared: constants and batch normalisation are folded by our own exporter."""
    proto = onnx.load_from_string(model)
    proto.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
    return bytes(proto.SerializeToString())


def _join_relus(graph: onnx.GraphProto) -> None:
    """Let each Relu read its convolution directly: with a pair between them TensorRT cannot fuse the two."""
    producers = producers_of(graph)
    for node in graph.node:
        if node.op_type == "Relu":
            node.input[0] = unquantized(node.input[0], producers)
    drop_unused(graph)


def _finished(model: onnx.ModelProto, *, like: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with the stamps of the float one, checked."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("") != OPSET:
        raise OperatorError(f"quantisation changed the opset to {opsets}; devices need opset {OPSET}")
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    del model.metadata_props[:]
    _join_relus(model.graph)
    model.ir_version = like.ir_version
    model.producer_name, model.producer_version = like.producer_name, like.producer_version
    onnx.checker.check_model(model, full_check=True)
    return model
