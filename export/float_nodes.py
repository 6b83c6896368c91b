"""Taking single convolutions of a quantised graph back to float.

A convolution that is put back reads its weights from the float graph. A Q/DQ pair stays where a quantised
convolution makes the value or reads it, also through MaxPool or Concat; every other reader gets what was in
front of the pair. With every convolution back the graph answers as the float one does.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection

import onnx

from export.qdq import Producers, drop_unused, is_restored, producers_of, unquantized
from export.quantize import CONVOLUTIONS

FLOAT_SUFFIX = "_float"
_PASS_THROUGH = ("MaxPool", "Concat")


def in_float(
    quantized: onnx.ModelProto, original: onnx.ModelProto, *, nodes: Collection[str]
) -> onnx.ModelProto:
    """Return a copy of the QDQ graph in which the convolutions of these names compute in float.

    Args:
        original: The float graph, whose nodes have the same names.
    """
    model = copy.deepcopy(quantized)
    producers = producers_of(model.graph)
    remain = _quantized_nodes(model.graph, producers, in_float=nodes)
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            value = unquantized(name, producers)
            made_by = producers.get(value)
            if node.name not in remain and (made_by is None or made_by.name not in remain):
                node.input[position] = value
    _restore_weights(model.graph, original.graph, nodes)
    drop_unused(model.graph)
    return model


def _quantized_nodes(graph: onnx.GraphProto, producers: Producers, *, in_float: Collection[str]) -> set[str]:
    """Return the names of the nodes that compute in INT8 when the convolutions `in_float` do not."""
    readers: dict[str, list[str]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[unquantized(name, producers)].append(node.name)
    found: set[str] = set()
    for node in reversed(graph.node):
        is_convolution = node.op_type in CONVOLUTIONS and is_restored(node.input[1], producers)
        feeds_one = node.op_type in _PASS_THROUGH and found.intersection(readers[node.output[0]])
        if (is_convolution and node.name not in in_float) or feeds_one:
            found.add(node.name)
    for node in graph.node:
        source = producers.get(node.input[0]) if node.op_type == "Relu" else None
        if source is not None and source.name in found:
            found.add(node.name)
    return found


def _restore_weights(graph: onnx.GraphProto, original: onnx.GraphProto, nodes: Collection[str]) -> None:
    weights = {tensor.name: tensor for tensor in original.initializer}
    inputs = {node.name: list(node.input) for node in original.node}
    restored = set()
    for node in graph.node:
        for position, name in enumerate(inputs[node.name] if node.name in nodes else ()):
            if name in weights:
                node.input[position] = name + FLOAT_SUFFIX  # the quantised bias may go by the old name
                restored.add(name)
    for name in sorted(restored):
        tensor = graph.initializer.add()
        tensor.CopyFrom(weights[name])
        tensor.name = name + FLOAT_SUFFIX
