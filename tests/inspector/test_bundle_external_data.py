"""A tensor that lives in another file is found wherever the ONNX format lets it hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector.errors import BundleError
from inspector.external_data import _CHILDREN, refuse_external_data
from tests.tiny_bundle import tiny_model


def _outside() -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "outside")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def _subgraph() -> onnx.GraphProto:
    return helper.make_graph([], "sub", [], [], [_outside()])


def _node(**attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["x"], **attributes)


def _sparse() -> onnx.SparseTensorProto:
    sparse = onnx.SparseTensorProto()
    sparse.values.CopyFrom(_outside())
    return sparse


def _only_the_path(model: onnx.ModelProto) -> None:
    tensor = _outside()
    tensor.ClearField("data_location")
    model.graph.initializer.append(tensor)


HIDING_PLACES: dict[str, Callable[[onnx.ModelProto], Any]] = {
    "initializer": lambda model: model.graph.initializer.append(_outside()),
    "path without location flag": _only_the_path,
    "attribute": lambda model: model.graph.node.append(_node(value=_outside())),
    "attribute list": lambda model: model.graph.node.append(_node(values=[_outside()])),
    "subgraph": lambda model: model.graph.node.append(_node(body=_subgraph())),
    "subgraph list": lambda model: model.graph.node.append(_node(bodies=[_subgraph()])),
    "sparse initializer": lambda model: model.graph.sparse_initializer.append(_sparse()),
    "sparse attribute": lambda model: model.graph.node.append(_node(sparse_value=_sparse())),
    "function": lambda model: model.functions.add(name="f").node.append(_node(value=_outside())),
    "training": lambda model: model.training_info.add().algorithm.CopyFrom(_subgraph()),
}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_external_data_is_refused(place: str) -> None:
    model = tiny_model()
    HIDING_PLACES[place](model)
    with pytest.raises(BundleError, match="keeps weights in another file"):
        refuse_external_data(model.SerializeToString(), where="a bundle")


def test_a_model_with_its_weights_inside_is_accepted() -> None:
    refuse_external_data(tiny_model().SerializeToString(), where="a bundle")


def test_every_path_to_a_tensor_that_onnx_knows_is_walked() -> None:
    reaching = {"TensorProto"}
    descriptors = {d.name: d for d in onnx.onnx_ml_pb2.DESCRIPTOR.message_types_by_name.values()}
    for _ in descriptors:
        reaching |= {
            name
            for name, d in descriptors.items()
            if any(f.message_type and f.message_type.name in reaching for f in d.fields)
        }
    for name in reaching - {"TensorProto"}:
        expected = {
            f.number: f.message_type.name[: -len("Proto")]
            for f in descriptors[name].fields
            if f.message_type and f.message_type.name in reaching
        }
        assert _CHILDREN[name[: -len("Proto")]] == expected


def test_damaged_bytes_end_in_a_sentence() -> None:
    data = tiny_model().SerializeToString()
    rng = np.random.default_rng(5)
    num_refused = 0
    for cut in range(1, len(data), 7):
        changed = bytearray(data[:cut])
        changed[int(rng.integers(0, cut))] ^= 1 << int(rng.integers(0, 8))
        try:
            refuse_external_data(bytes(changed), where="a bundle")
        except BundleError as error:
            num_refused += "model.onnx in a bundle" in str(error)
    assert num_refused > 0


def test_deep_nesting_is_refused() -> None:
    graph = _subgraph()
    for _ in range(25):
        graph = helper.make_graph([_node(body=graph)], "sub", [], [])
    model = tiny_model()
    model.graph.node.append(_node(body=graph))
    with pytest.raises(BundleError, match="nested deeper than 64 messages"):
        refuse_external_data(model.SerializeToString(), where="a bundle")
