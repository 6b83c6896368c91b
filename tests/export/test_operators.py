"""A network that the device cannot run is refused with the name of the node."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.operators import SUPPORTED, check_operators
from inspector.errors import OperatorError
from tests.tiny_bundle import tiny_model

F32, U8, I64 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT64


def _model(
    *nodes: NodeProto,
    constants: dict[str, Any] | None = None,
    kind: int = F32,
    shape: tuple[int, ...] = (1, 4, 8, 8),
) -> onnx.ModelProto:
    """A graph from `x` to the output of the last node."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, shape), helper.make_tensor_value_info("z", F32, None)],
        [helper.make_value_info(nodes[-1].output[0], onnx.TypeProto())],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def _node(op: str, *inputs: str, outputs: tuple[str, ...] = ("y",), **attributes: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), list(outputs), name=f"the_{op}", **attributes)


SCALES = np.array([1, 1, 2, 2], np.float32)
KERNEL = np.zeros((4, 4, 3, 3), np.float32)

REFUSED = {
    "not in TensorRT": (_model(_node("Mod", "x", "x", fmod=1)), "the_Mod.*Mod is not supported"),
    "experimental": (_model(_node("Reciprocal", "x")), "Reciprocal is not supported"),
    "cubic": (
        _model(_node("Resize", "x", "", "s", mode="cubic"), constants={"s": SCALES}),
        "its mode is cubic",
    ),
    "computed scales": (_model(_node("Resize", "x", "", "z", mode="linear")), "scales must be a constant"),
    "linear over channels": (
        _model(
            _node("Resize", "x", "", "s", mode="linear"), constants={"s": np.array([2, 1, 2, 2], np.float32)}
        ),
        "over the last 3 axes only",
    ),
    "nearest mode": (
        _model(
            _node(
                "Resize",
                "x",
                "",
                "s",
                coordinate_transformation_mode="tf_half_pixel_for_nn",
                nearest_mode="ceil",
            ),
            constants={"s": SCALES},
        ),
        "nearest_mode must be round_prefer_floor",
    ),
    "coordinates": (
        _model(
            _node("Resize", "x", "r", "s", coordinate_transformation_mode="tf_crop_and_resize"),
            constants={"s": SCALES, "r": np.zeros(8, np.float32)},
        ),
        "its coordinates are tf_crop_and_resize",
    ),
    "pooling indices": (
        _model(_node("MaxPool", "x", outputs=("y", "indices"), kernel_shape=[2, 2])),
        "output Indices",
    ),
    "computed weight": (_model(_node("Conv", "x", "z")), "its weight must be a constant"),
    "computed bias": (
        _model(_node("Conv", "x", "w", "z"), constants={"w": KERNEL}),
        "its bias must be a constant",
    ),
    "1-D convolution": (
        _model(_node("Conv", "x", "w"), constants={"w": np.zeros((4, 4, 3), np.float32)}, shape=(1, 4, 8)),
        "its input has 3 axes",
    ),
    "integers": (
        _model(_node("Cast", "x", outputs=("i",), to=I64), _node("Relu", "i")),
        "the_Relu.*Relu does not take INT64",
    ),
    "bytes": (_model(_node("Cast", "x", to=F32), kind=U8), "the input x is UINT8"),
    "zero point": (
        _model(
            _node("QuantizeLinear", "x", "scale", "zero"),
            constants={"scale": np.float32(0.1), "zero": np.uint8(128)},
        ),
        "zero point must be 0",
    ),
    "custom operator": (_model(_node("Sigmoid", "x", domain="my.company")), "my.company.*not ONNX"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_device_cannot_run_is_refused(case: str) -> None:
    model, message = REFUSED[case]
    with pytest.raises(OperatorError, match=message):
        check_operators(model)


@pytest.mark.parametrize(
    "model",
    [
        _model(_node("Conv", "x", "w", dilations=[2, 2]), constants={"w": KERNEL}),
        _model(_node("Resize", "x", "", "s", mode="linear"), constants={"s": SCALES}),
        _model(
            helper.make_node("Constant", [], ["s"], value=numpy_helper.from_array(SCALES)),
            _node("Resize", "x", "", "s", mode="linear", coordinate_transformation_mode="align_corners"),
        ),
        _model(
            _node("Resize", "x", "", "", "n", mode="linear"),
            constants={"n": np.array([1, 4, 16, 16], np.int64)},
        ),
        _model(_node("MaxPool", "x", kernel_shape=[2, 2])),
        _model(_node("Softmax", "x", axis=1)),
    ],
    ids=["atrous", "resize", "resize by Constant", "resize by sizes", "pool", "softmax"],
)
def test_what_the_device_runs_is_accepted(model: onnx.ModelProto) -> None:
    assert check_operators(model) == len(model.graph.node)


def test_operators_inside_a_branch_are_checked() -> None:
    branch = helper.make_graph(
        [_node("OneHot", "x", "x", "x", outputs=("inner",))],
        "branch",
        [],
        [helper.make_value_info("inner", onnx.TypeProto())],
    )
    model = tiny_model()
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(_node("If", "yes", then_branch=branch, else_branch=branch))
    with pytest.raises(OperatorError, match="the_OneHot"):
        check_operators(model)


def test_the_list_is_the_facts() -> None:
    ours = {"Conv", "Relu", "MaxPool", "Resize", "Concat", "Sigmoid", "Softmax", "Add", "ConvTranspose"}
    absent = {
        "Mod",
        "NonZero",
        "OneHot",
        "Reciprocal",
        "RoiAlign",
        "GridSample",
        "LayerNormalization",
        "HardSwish",
    }
    assert ours <= SUPPORTED.keys()
    assert not absent & SUPPORTED.keys()
