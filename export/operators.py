"""Which ONNX operators a device can run: the white-list of TensorRT 8.2, the oldest runtime that is served.

Source: onnx-tensorrt, tag 8.2-GA, docs/operators.md and importers (facts/trt82_operators.md).
Differs from the source: NonMaxSuppression, which is experimental there, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from inspector.errors import OperatorError

OPSET = 13

# Types of the first input (of the output where there is no input). The parser reads INT64 as INT32 and
# DOUBLE as FLOAT.
_BY_TYPES = {
    "f32 f16": """
        Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization Ceil Celu Cos Cosh CumSum Dropout
        Einsum Erf Exp Floor GRU GlobalLpPool InstanceNormalization LRN LSTM Log LogSoftmax
        LpNormalization LpPool MatMul Pow QuantizeLinear RNN RandomUniform RandomUniformLike ReduceL1
        ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
        ReduceSumSquare Resize ReverseSequence Scan Sin Sinh Softmax Sqrt Tan TopK Upsample""",
    "f32 f16 i8": """
        Clip Conv ConvTranspose Elu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid LeakyRelu MaxPool PRelu
        Relu Round Selu Sigmoid Softplus Softsign Tanh ThresholdedRelu""",
    "f32 f16 i32": """
        Abs Add DepthToSpace Div Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Max Mean Min Mul Neg
        Range SpaceToDepth Sub Sum""",
    "f32 f16 i32 i8": """
        AveragePool Gather GatherElements GatherND Pad ScatterElements ScatterND Sign""",
    "f32 f16 i32 bool": "Expand EyeLike If Loop Split Tile Where",
    "f32 f16 i32 i8 bool": """
        Cast Concat Constant Flatten Identity Reshape Shape Size Slice Squeeze Transpose Unsqueeze""",
    "f32 f16 i32 bool i8": "Scatter",
    "i8": "DequantizeLinear",
    "bool": "And Not Or",
    "i32": "ConstantOfShape",
}
_TYPES = {
    "f32": (TensorProto.FLOAT, TensorProto.DOUBLE),
    "f16": (TensorProto.FLOAT16,),
    "i32": (TensorProto.INT32, TensorProto.INT64),
    "i8": (TensorProto.INT8,),
    "bool": (TensorProto.BOOL,),
}
SUPPORTED = {
    name: frozenset(code for kind in kinds.split() for code in _TYPES[kind])
    for kinds, names in _BY_TYPES.items()
    for name in names.split()
}
_COORDINATES = ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners")


@dataclass(frozen=True)
class _Graph:
    """What the rules look up: constants by name, element types and ranks of the values that are known."""

    constants: dict[str, np.ndarray]
    types: dict[str, int]
    ranks: dict[str, int]


Rule = Callable[[NodeProto, _Graph], "str | None"]  # returns what is wrong


def check_operators(model: onnx.ModelProto) -> int:
    """Return the number of nodes, all of which TensorRT 8.2 runs.

    Raises:
        OperatorError: a node it does not run; the sentence names the node, the operator and the reason.
    """
    for value in model.graph.input:
        kind = value.type.tensor_type.elem_type
        if kind != TensorProto.FLOAT:
            raise OperatorError(f"the input {value.name} is {_type_name(kind)}, but devices take FLOAT only")
    # Names first: shape inference fails on operators that it does not know.
    nodes = list(_nodes(model.graph))
    for node in nodes:
        _refuse(node, _unknown(node))
    graph = _known(onnx.shape_inference.infer_shapes(model, strict_mode=True), nodes)
    for node in nodes:
        _refuse(node, _misused(node, graph))
    return len(nodes)


def _refuse(node: NodeProto, problem: str | None) -> None:
    if problem is not None:
        raise OperatorError(
            f"node {node.name or node.output[0]!r} ({node.op_type}) cannot run on the device: {problem}; "
            "replace it in the network (TensorRT 8.2 operators)"
        )


def _unknown(node: NodeProto) -> str | None:
    if node.domain not in ("", "ai.onnx"):
        return f"its operator set is {node.domain!r}, not ONNX"
    return None if node.op_type in SUPPORTED else f"{node.op_type} is not supported"


def _misused(node: NodeProto, graph: _Graph) -> str | None:
    value = next((name for name in (*node.input, *node.output) if name), "")
    kind = graph.types.get(value)
    if kind is not None and kind not in SUPPORTED[node.op_type]:
        return f"{node.op_type} does not take {_type_name(kind)} values"
    rule = RULES.get(node.op_type)
    return rule(node, graph) if rule is not None else None


def _convolution(node: NodeProto, graph: _Graph) -> str | None:
    return _pool(node, graph) or _needs_constants("weight", "bias", first=1)(node, graph)


def _pool(node: NodeProto, graph: _Graph) -> str | None:
    rank = graph.ranks.get(node.input[0])
    if rank is not None and rank not in (4, 5):
        return f"its input has {rank} axes, but only 2-D and 3-D images are supported"
    if node.op_type == "MaxPool" and len([name for name in node.output if name]) > 1:
        return "the output Indices is not supported"
    return None


def _resize(node: NodeProto, graph: _Graph) -> str | None:
    mode = _attribute(node, "mode", "nearest")
    coordinates = _attribute(node, "coordinate_transformation_mode", "half_pixel")
    if mode not in ("nearest", "linear"):
        return f"its mode is {mode}, but only nearest and linear are supported"
    if coordinates not in _COORDINATES:
        return f"its coordinates are {coordinates}, but only {', '.join(_COORDINATES)} are supported"
    nearest = _attribute(node, "nearest_mode", "round_prefer_floor")
    if coordinates == "tf_half_pixel_for_nn" and nearest != "round_prefer_floor":
        return f"with {coordinates} its nearest_mode must be round_prefer_floor, but it is {nearest}"
    return _resize_factors(node, graph, linear=mode == "linear")


def _resize_factors(node: NodeProto, graph: _Graph, *, linear: bool) -> str | None:
    given = [name for name in node.input[2:] if name]
    if not given or any(name not in graph.constants for name in given):
        return "its scales must be a constant in the file"
    scales = graph.constants[given[0]]
    rank = graph.ranks.get(node.input[0], len(scales))
    if len(scales) != rank:
        return f"it has {len(scales)} scales for {rank} axes"
    is_scale = np.issubdtype(scales.dtype, np.floating)
    if linear and is_scale and any(scale != 1 for scale in scales[:-3]):
        return "linear resizing is supported over the last 3 axes only"
    return None


def _needs_constants(*names: str, first: int) -> Rule:
    """Inputs from number `first` on, called `names`, must be constants where they are given."""

    def rule(node: NodeProto, graph: _Graph) -> str | None:
        for name, value in zip(names, node.input[first:], strict=False):
            if value and value not in graph.constants:
                return f"its {name} must be a constant in the file"
        return None

    return rule


def _zero_point(node: NodeProto, graph: _Graph) -> str | None:
    value = node.input[2] if len(node.input) > 2 else ""
    if value and (value not in graph.constants or np.any(graph.constants[value])):
        return "its zero point must be 0"
    return None


RULES: dict[str, Rule] = {
    "AveragePool": _pool,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "CumSum": _needs_constants("axis", first=1),
    "DequantizeLinear": _zero_point,
    "InstanceNormalization": _needs_constants("scale", "bias", first=1),
    "MaxPool": _pool,
    "QuantizeLinear": _zero_point,
    "Resize": _resize,
    "Slice": _needs_constants("axes", first=3),
    "Squeeze": _needs_constants("axes", first=1),
    "TopK": _needs_constants("K", first=1),
    "Unsqueeze": _needs_constants("axes", first=1),
}


def _nodes(graph: onnx.GraphProto) -> Iterator[NodeProto]:
    """Yield every node, also those of the bodies of If, Loop and Scan."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _nodes(body)


def _known(model: onnx.ModelProto, nodes: Sequence[NodeProto]) -> _Graph:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in nodes:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    types = {name: int(helper.np_dtype_to_tensor_dtype(array.dtype)) for name, array in constants.items()}
    ranks = {name: array.ndim for name, array in constants.items()}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        types[value.name] = value.type.tensor_type.elem_type
        if value.type.tensor_type.HasField("shape"):
            ranks[value.name] = len(value.type.tensor_type.shape.dim)
    return _Graph(constants, types, ranks)


def _attribute(node: NodeProto, name: str, default: str) -> str:
    for attribute in node.attribute:
        if attribute.name == name:
            return str(helper.get_attribute_value(attribute).decode())
    return default


def _type_name(kind: int) -> str:
    return str(TensorProto.DataType.Name(kind))
