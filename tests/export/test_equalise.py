"""Equalised channels: the same answers in float, like ranges, and less error in INT8."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from export.equalise import channel_scales, equalised
from export.onnx import export_onnx
from export.quantize import FLAVOURS, blocks_of, quantizable_nodes, quantize
from inspector.runtime import open_engine
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec

SIDE = 32


@pytest.fixture(scope="module")
def uneven() -> onnx.ModelProto:
    """A network whose channels differ widely in range, as batch normalisation leaves them after training."""
    net = build_detector(NetworkSpec("unet", (0, 1, 2) * 6, 4, 4))
    initialise(net, "he", seed=1)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(torch.from_numpy(rng.uniform(0.02, 1.5, module.num_features)))
                module.bias.copy_(torch.from_numpy(rng.normal(0, 0.1, module.num_features)))
    return onnx.load_from_string(export_onnx(net.eval(), size_hw=(SIDE, SIDE)))


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random((1, 3, SIDE, SIDE), dtype=np.float32) for _ in range(4)]


def _scores(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    engine = open_engine(model.SerializeToString(), where="test", input_hw=(SIDE, SIDE), threads=1)
    return engine.infer(image)


def test_the_float_graph_answers_as_before(uneven: onnx.ModelProto, images: list[np.ndarray]) -> None:
    before = uneven.SerializeToString(deterministic=True)
    found = equalised(uneven, images)
    assert np.abs(_scores(found, images[0]) - _scores(uneven, images[0])).max() < 1e-5
    assert uneven.SerializeToString(deterministic=True) == before
    weights = {t.name: numpy_helper.to_array(t) for t in uneven.graph.initializer}
    moved = [
        t.name
        for t in found.graph.initializer
        if not np.array_equal(numpy_helper.to_array(t), weights[t.name])
    ]
    assert len(moved) >= len(quantizable_nodes(uneven))  # skips, upsampling and depthwise readers included


@pytest.mark.parametrize("flavour", ["cpu", "tensorrt"])
def test_int8_moves_scores_less(uneven: onnx.ModelProto, images: list[np.ndarray], flavour: str) -> None:
    def error(model: onnx.ModelProto) -> float:
        quantized = quantize(model.SerializeToString(), images, flavour=FLAVOURS[flavour])  # type: ignore[index]
        return float(np.mean([np.square(_scores(quantized, i) - _scores(uneven, i)).mean() for i in images]))

    assert error(equalised(uneven, images)) < 0.8 * error(uneven)


def test_constants_that_the_exporter_stores_once_are_parted() -> None:
    """Two convolutions with the same weights: a scale between them must not change both."""
    weight = np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32) * [
        [[[1]]],
        [[[9]]],
        [[[30]]],
    ]
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "w"], ["score"], name="second"),
    ]
    values = [helper.make_tensor_value_info(name, 1, (1, 3, 4, 4)) for name in ("image", "score")]
    constant = numpy_helper.from_array(weight.astype(np.float32), "w")
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    image = np.random.default_rng(1).random((1, 3, 4, 4), dtype=np.float32)
    found = equalised(model, [image])
    assert np.allclose(_raw(found, image), _raw(model, image), rtol=1e-5)
    assert found.graph.node[0].input[1] != found.graph.node[2].input[1]


def _raw(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": image})[0])


@pytest.mark.parametrize(
    ("ranges", "importance", "expected"),
    [
        ([1.0, 4.0], [1.0, 1.0], [2**-0.5, 2**0.5]),
        ([1.0, 1.0], [1.0, 0.25], [2**-0.5, 2**0.5]),  # a channel read with little weight may be narrow
        ([1.0, 4.0], [np.nan, np.nan], [0.5, 2.0]),  # depthwise readers alone
        ([0.0, 4.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]),  # never active, never read
        ([0.0], [1.0], [1.0]),
    ],
)
def test_scales_of_channels(ranges: list[float], importance: list[float], expected: list[float]) -> None:
    found = channel_scales(np.array(ranges), np.array(importance))
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_depthwise_and_its_pointwise_are_one_block(uneven: onnx.ModelProto) -> None:
    blocks = blocks_of(uneven)
    assert [name for block in blocks for name in block] == quantizable_nodes(uneven)
    pairs = [block for block in blocks if len(block) > 1]
    assert pairs
    assert all("depthwise" in first and "pointwise" in second for first, second in pairs)
