"""Rewrites a graph of opset 18 as the same graph of opset 13, which old runtimes read.

PyTorch's newer exporter writes opset 18 or later, and no converter goes below 14 from there. For the
operators that a segmentation network needs, the two opsets mean the same: only attributes were added. A graph
that uses anything else, or a new attribute with a value that opset 13 cannot say, is refused.

Source: facts/jetson.md, section 4; the operators' change logs in the ONNX specification.
"""

from __future__ import annotations

import copy
from typing import Any

import onnx
from onnx import NodeProto, helper

from inspector.errors import OperatorError

FROM_OPSET = 18
TO_OPSET = 13
TO_IR_VERSION = 7

# Operator -> attributes that opset 13 does not know, with the only value that it can express.
SAME_MEANING: dict[str, dict[str, Any]] = {
    "Add": {},
    "AveragePool": {},
    "Concat": {},
    "Constant": {},
    "Conv": {},
    "ConvTranspose": {},
    "GlobalAveragePool": {},
    "Identity": {},
    "MaxPool": {},
    "Mul": {},
    "Relu": {},
    "Reshape": {"allowzero": 0},
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
    "Sigmoid": {},
    "Softmax": {},
    "Sub": {},
}


def to_opset_13(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model`, opset 18, as opset 13 and IR 7 with the same weights and the same answers.

    Raises:
        OperatorError: another opset, or a node that opset 13 cannot express; the sentence names it.
    """
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": FROM_OPSET} or model.functions:
        raise OperatorError(
            f"the exporter wrote the opsets {opsets} and {len(model.functions)} functions, but only plain "
            f"opset {FROM_OPSET} can be brought to {TO_OPSET}; use the torchscript exporter"
        )
    graph = onnx.GraphProto()
    graph.name = model.graph.name
    graph.node.extend(_node_of_13(node) for node in model.graph.node)
    graph.initializer.extend(model.graph.initializer)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.ClearField("metadata_props")  # of IR 10
    lowered = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", TO_OPSET)],
        ir_version=TO_IR_VERSION,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
    )
    onnx.checker.check_model(lowered, full_check=True)
    return lowered


def _node_of_13(node: NodeProto) -> NodeProto:
    where = f"node {node.name or node.output[0]!r} ({node.op_type})"
    if node.domain not in ("", "ai.onnx") or node.op_type not in SAME_MEANING:
        raise OperatorError(
            f"{where} may mean something else in opset {TO_OPSET}; replace it in the network, or add it to "
            "export/downlevel.py after reading its change log"
        )
    lowered = copy.deepcopy(node)
    lowered.ClearField("metadata_props")
    del lowered.attribute[:]
    newer = SAME_MEANING[node.op_type]
    known = onnx.defs.get_schema(node.op_type, TO_OPSET).attributes
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name in known:
            lowered.attribute.append(attribute)
        elif attribute.name not in newer or value != newer[attribute.name]:
            raise OperatorError(
                f"{where} has {attribute.name} = {value!r}, which opset {TO_OPSET} cannot express; "
                "replace it in the network"
            )
    return lowered
