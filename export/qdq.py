"""Walking a graph with Q/DQ pairs: what is in front of a pair, and what nobody reads."""

from __future__ import annotations

import copy

import onnx
from onnx import NodeProto

Producers = dict[str, NodeProto]  # name of a value -> the node that makes it


def producers_of(graph: onnx.GraphProto) -> Producers:
    """Return which node makes each value."""
    return {name: node for node in graph.node for name in node.output}


def is_restored(name: str, producers: Producers) -> bool:
    """Say whether `name` comes out of DequantizeLinear."""
    return name in producers and producers[name].op_type == "DequantizeLinear"


def unquantized(name: str, producers: Producers) -> str:
    """Return the value in front of the Q/DQ pair that makes `name`; `name` itself where none does."""
    if not is_restored(name, producers):
        return name
    stored = producers.get(producers[name].input[0])
    return str(stored.input[0]) if stored is not None and stored.op_type == "QuantizeLinear" else name


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes, constants and value descriptions that no output needs."""
    needed = {value.name for value in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(copy.deepcopy(node))
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    constants = [copy.deepcopy(tensor) for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)
    del graph.value_info[:]
