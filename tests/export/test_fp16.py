"""FP16 graphs: FP32 at both ends, rounded in between, refused where a weight does not fit."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from export.fp16 import to_fp16
from export.onnx import export_onnx
from inspector.errors import OperatorError
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec
from tests.tiny_bundle import tiny_model


@pytest.fixture(scope="module")
def model() -> bytes:
    net = build_detector(NetworkSpec("unet", (0, 1, 2) * 6, 4, 4))
    initialise(net, "he", seed=1)
    return export_onnx(net.eval(), size_hw=(32, 32))


def _score(model: bytes, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["score"], {"image": image})[0])


def test_fp16_differs_by_rounding_alone(model: bytes) -> None:
    image = np.random.default_rng(0).random((1, 3, 32, 32), dtype=np.float32)
    expected, found = _score(model, image), _score(to_fp16(model).SerializeToString(), image)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.01


def test_the_file_is_half_as_large_and_has_the_same_stamps_and_ends(model: bytes) -> None:
    half = to_fp16(model)
    original = onnx.load_from_string(model)
    assert half.opset_import == original.opset_import
    assert half.ir_version == original.ir_version
    assert half.graph.input == original.graph.input
    assert half.graph.output == original.graph.output
    kinds = {tensor.data_type for tensor in half.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {TensorProto.FLOAT16}


def test_the_scales_of_resize_stay_fp32(model: bytes) -> None:
    half = to_fp16(model)
    constants = {
        node.output[0]: node.attribute[0].t for node in half.graph.node if node.op_type == "Constant"
    }
    constants |= {tensor.name: tensor for tensor in half.graph.initializer}
    scales = [constants[node.input[2]] for node in half.graph.node if node.op_type == "Resize"]
    assert scales
    assert {tensor.data_type for tensor in scales} == {TensorProto.FLOAT}


def test_a_weight_that_fp16_cannot_hold_is_refused() -> None:
    model = tiny_model()
    huge = np.full((1, 3, 1, 1), 7e4, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(huge, "weight"))
    with pytest.raises(OperatorError, match=r"the weight weight holds 7e\+04, FP16 ends at 65504"):
        to_fp16(model.SerializeToString())
