"""An FP16 graph with FP32 input and output, from an FP32 one.

It is what a CUDA execution provider needs to gain from FP16, and what shows on any processor what FP16 costs:
onnxruntime's CPU rounds the weights and every value in between to FP16, and adds up in FP32. A device that
adds up in FP16 as well loses a little more, so golden tensors are checked on the device all the same.

Source: facts/jetson.md, section 1 (CUDA gains only from an FP16 file) and section 5.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from inspector.errors import OperatorError

LARGEST = float(np.finfo(np.float16).max)
_KEEP_FLOAT = {"Resize": (1, 2)}  # operator -> inputs that are FP32 by definition (roi, scales)


def to_fp16(model: bytes) -> onnx.ModelProto:
    """Return the graph with FP16 weights and values; `image` and `score` stay FP32.

    Raises:
        OperatorError: a weight is larger than FP16 can hold.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    keep = {name for node in graph.node for name in _float_inputs(node)}
    for tensor in _constants(graph):
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in keep:
            tensor.CopyFrom(_rounded(tensor))
    _cast_ends(graph)
    del graph.value_info[:]
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _float_inputs(node: NodeProto) -> list[str]:
    return [node.input[i] for i in _KEEP_FLOAT.get(node.op_type, ()) if i < len(node.input)]


def _constants(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Yield the constants, those of Constant nodes under the name of their output."""
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            node.attribute[0].t.name = node.output[0]
            yield node.attribute[0].t


def _rounded(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    if largest > LARGEST:
        raise OperatorError(
            f"the weight {tensor.name} holds {largest:.4g}, FP16 ends at {LARGEST:.0f}; "
            "export with --precision fp32"
        )
    return numpy_helper.from_array(values.astype(np.float16), tensor.name)


def _cast_ends(graph: onnx.GraphProto) -> None:
    """Cast the inputs to FP16 and the outputs back, under names that the graph does not have yet."""
    inner = {value.name: value.name + "_fp16" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    for position, value in enumerate(graph.input):
        graph.node.insert(position, _cast(value.name, inner[value.name], to=TensorProto.FLOAT16))
    graph.node.extend(_cast(inner[value.name], value.name, to=TensorProto.FLOAT) for value in graph.output)


def _cast(source: str, target: str, *, to: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{source}_to_{target}", to=to)
