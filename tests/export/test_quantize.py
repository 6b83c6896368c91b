"""INT8 graphs: what devices read, single convolutions back in float, and a head that stays there."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from export.float_nodes import in_float
from export.onnx import export_onnx
from export.quantize import FLAVOURS, FlavourName, check_symmetric, quantizable_nodes, quantize
from inspector.errors import OperatorError
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec
from tests.tiny_bundle import tiny_model

SIDE = 32


@pytest.fixture(scope="module")
def model() -> bytes:
    net = build_detector(NetworkSpec("unet", (0, 1, 2) * 6, 4, 4))
    initialise(net, "he", seed=1)
    return export_onnx(net.eval(), size_hw=(SIDE, SIDE))


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random((1, 3, SIDE, SIDE), dtype=np.float32) for _ in range(4)]


@pytest.fixture(scope="module")
def quantized(model: bytes, images: list[np.ndarray]) -> dict[FlavourName, onnx.ModelProto]:
    return {name: quantize(model, images, flavour=flavour) for name, flavour in FLAVOURS.items()}


def _scores(model: onnx.ModelProto, image: np.ndarray, *, literally: bool = False) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if literally:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["score"], {"image": image})[0])


def _weights(model: onnx.ModelProto, kind: int) -> list[np.ndarray]:
    return [
        numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == kind and len(t.dims) == 4
    ]


@pytest.mark.parametrize("flavour", ["cpu", "tensorrt"])
def test_the_stamps_stay_those_of_the_oldest_runtime(
    quantized: dict[FlavourName, onnx.ModelProto], flavour: FlavourName
) -> None:
    graph = quantized[flavour]
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 13)]
    assert graph.ir_version <= 8
    assert {node.op_type for node in graph.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}


def test_weights_for_processors_are_within_seven_bits_and_scaled_by_channel(
    quantized: dict[FlavourName, onnx.ModelProto],
) -> None:
    """With 8 bits, the kernels of processors without VNNI overflow and answer otherwise than others."""
    stored = _weights(quantized["cpu"], TensorProto.INT8)
    assert stored
    for weight in stored:
        assert np.abs(weight.astype(int)).max() <= 64
        assert np.abs(weight.astype(int)).max(axis=(1, 2, 3)).min() >= 60  # every channel uses its range


def test_tensorrt_gets_symmetric_pairs_and_float_weights(
    quantized: dict[FlavourName, onnx.ModelProto],
) -> None:
    assert check_symmetric(quantized["tensorrt"]) > 50
    assert not _weights(quantized["tensorrt"], TensorProto.INT8)
    assert not any(t.data_type == TensorProto.INT32 for t in quantized["tensorrt"].graph.initializer)
    with pytest.raises(OperatorError, match=r"is not symmetric S8 with zero point 0"):
        check_symmetric(quantized["cpu"])


@pytest.mark.parametrize("flavour", ["cpu", "tensorrt"])
def test_it_answers_nearly_as_before_and_no_pair_parts_a_convolution_from_its_relu(
    model: bytes,
    images: list[np.ndarray],
    quantized: dict[FlavourName, onnx.ModelProto],
    flavour: FlavourName,
) -> None:
    graph = quantized[flavour]
    producers = {name: node for node in graph.graph.node for name in node.output}
    relus = [node for node in graph.graph.node if node.op_type == "Relu"]
    assert relus
    assert {producers[node.input[0]].op_type for node in relus} == {"Conv"}
    difference = np.abs(_scores(graph, images[0]) - _scores(onnx.load_from_string(model), images[0]))
    assert 0 < difference.mean() < 0.02


@pytest.mark.parametrize("flavour", ["cpu", "tensorrt"])
def test_with_every_node_back_in_float_the_answers_are_those_of_the_float_graph(
    model: bytes,
    images: list[np.ndarray],
    quantized: dict[FlavourName, onnx.ModelProto],
    flavour: FlavourName,
) -> None:
    original = onnx.load_from_string(model)
    back = in_float(quantized[flavour], original, nodes=quantizable_nodes(original))
    onnx.checker.check_model(back, full_check=True)
    assert not {node.op_type for node in back.graph.node} & {"QuantizeLinear", "DequantizeLinear"}
    assert np.array_equal(_scores(back, images[1]), _scores(original, images[1]))


def test_with_no_node_back_the_answers_stay(
    model: bytes, images: list[np.ndarray], quantized: dict[FlavourName, onnx.ModelProto]
) -> None:
    same = in_float(quantized["cpu"], onnx.load_from_string(model), nodes=[])
    assert np.array_equal(
        _scores(same, images[1], literally=True), _scores(quantized["cpu"], images[1], literally=True)
    )


def test_any_set_of_nodes_can_be_put_back(
    model: bytes, images: list[np.ndarray], quantized: dict[FlavourName, onnx.ModelProto]
) -> None:
    original = onnx.load_from_string(model)
    nodes = quantizable_nodes(original)
    before = quantized["cpu"].SerializeToString(deterministic=True)
    exact = _scores(original, images[2])
    for chosen in (nodes[:1], nodes[::2], nodes[1::2], nodes[-9:]):
        mixed = in_float(quantized["cpu"], original, nodes=chosen)
        onnx.checker.check_model(mixed, full_check=True)
        convolutions = {node.name: node for node in mixed.graph.node if node.op_type == "Conv"}
        weights = {tensor.name for tensor in mixed.graph.initializer}
        assert all((convolutions[name].input[1] in weights) == (name in chosen) for name in nodes)
        assert np.abs(_scores(mixed, images[2]) - exact).mean() < 0.02
    assert quantized["cpu"].SerializeToString(deterministic=True) == before


def test_a_network_of_a_head_alone_has_nothing_to_quantise() -> None:
    with pytest.raises(OperatorError, match="no convolution besides its head"):
        quantize(tiny_model().SerializeToString(), [], flavour=FLAVOURS["cpu"])


def test_the_head_stays_in_float(model: bytes, quantized: dict[FlavourName, onnx.ModelProto]) -> None:
    """256 levels would tie the scores."""
    head = [node for node in quantized["cpu"].graph.node if node.op_type == "Conv"][-1]
    assert head.name not in quantizable_nodes(onnx.load_from_string(model))
    assert head.input[1] in {tensor.name for tensor in quantized["cpu"].graph.initializer}
