"""The layers of an ONNX graph as records, from which latency is predicted."""

from __future__ import annotations

from math import prod
from typing import Any

import onnx
from onnx import NodeProto, helper

from inspector.manifest import LayerRecord

_NO_WORK = ("Constant", "Identity")
_CONVOLUTIONS = ("Conv", "ConvTranspose")
Shape = tuple[int, ...]


def layers_of(model: onnx.ModelProto) -> list[LayerRecord]:
    """Return one record a node that does work, in the order of execution; all shapes must be static."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in inferred.graph.initializer}
    weights = frozenset(shapes)
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        shapes[value.name] = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    return [_record(node, shapes, weights) for node in inferred.graph.node if node.op_type not in _NO_WORK]


def total_macs(layers: list[LayerRecord]) -> int:
    """Multiply-adds of one frame; biases, activations and resizing count nothing."""
    return sum(layer.macs for layer in layers)


def _record(node: NodeProto, shapes: dict[str, Shape], weights: frozenset[str]) -> LayerRecord:
    inputs, output = shapes[node.input[0]], shapes[node.output[0]]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    has_window = node.op_type in (*_CONVOLUTIONS, "MaxPool", "AveragePool")
    return LayerRecord(
        name=node.name or node.output[0],
        op=node.op_type,
        in_channels=_channels(node, shapes, weights),
        out_channels=output[1] if len(output) == 4 else None,
        kernel=_pair(attributes, "kernel_shape") if has_window else None,
        stride=_pair(attributes, "strides") if has_window else None,
        dilation=_pair(attributes, "dilations") if has_window else None,
        groups=int(attributes.get("group", 1)) if node.op_type in _CONVOLUTIONS else None,
        out_hw=(output[2], output[3]) if len(output) == 4 else None,
        macs=_macs(node, shapes, inputs=inputs, output=output),
        parameters=sum(
            prod(shapes[name]) for name in node.input if name in weights and node.op_type != "Resize"
        ),
    )


def _channels(node: NodeProto, shapes: dict[str, Shape], weights: frozenset[str]) -> int | None:
    """Channels that come in; for Concat those of all inputs together."""
    names = node.input if node.op_type == "Concat" else node.input[:1]
    found = [shapes[name][1] for name in names if name not in weights and len(shapes[name]) == 4]
    return sum(found) if found else None


def _pair(attributes: dict[str, Any], name: str) -> tuple[int, int]:
    height, width = attributes.get(name, (1, 1))
    return int(height), int(width)


def _macs(node: NodeProto, shapes: dict[str, Shape], *, inputs: Shape, output: Shape) -> int:
    if node.op_type == "Conv":  # weight (K, C / groups, kH, kW)
        return prod(output) * prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":  # weight (C, K / groups, kH, kW)
        return prod(inputs) * prod(shapes[node.input[1]][1:])
    return 0
