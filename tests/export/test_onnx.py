"""What is exported computes what was trained, in the form that old runtimes read."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.layers import layers_of, total_macs
from export.onnx import export_onnx
from inspector.errors import RunError
from inspector.runtime import open_engine
from search.limits.cost import count_macs
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec

SIZE_HW = (32, 64)
MIXED = NetworkSpec(family="unet", genes=(0, 1, 2) * 6, width=4, reconstructor_width=4)
DRAEM = NetworkSpec(family="draem", genes=(), width=4, reconstructor_width=4)


def _detector(spec: NetworkSpec) -> Detector:
    """A network with random weights, and BN statistics as after a training."""
    detector = build_detector(spec)
    initialise(detector, "he", seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2, generator=generator)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0, generator=generator)  # type: ignore[arg-type]
    return detector.eval()


@pytest.fixture(scope="module", params=[MIXED, DRAEM], ids=lambda spec: spec.family)
def pair(request: pytest.FixtureRequest) -> tuple[NetworkSpec, Detector, bytes]:
    detector = _detector(request.param)
    return request.param, detector, export_onnx(detector, size_hw=SIZE_HW)


def test_exported_equals_torch(pair: tuple[NetworkSpec, Detector, bytes]) -> None:
    _, detector, model = pair
    engine = open_engine(model, where="test", input_hw=SIZE_HW, threads=1)
    images = torch.rand(4, 3, *SIZE_HW, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = detector.score(images).numpy()
    found = np.concatenate([engine.infer(image[None]) for image in images.numpy()])
    assert expected.std() > 1e-3  # not saturated
    assert np.abs(found - expected).max() < 1e-5


def test_the_file_is_what_old_runtimes_read(pair: tuple[NetworkSpec, Detector, bytes]) -> None:
    model = onnx.load_from_string(pair[2])
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    assert model.ir_version <= 8
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"image": [1, 3, *SIZE_HW], "score": [1, 1, *SIZE_HW]}
    operators = {node.op_type for node in model.graph.node}
    assert operators == {"Constant", "Conv", "Relu", "MaxPool", "Resize", "Concat", "Sigmoid"}
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)


def test_layers_count_what_the_search_counts(pair: tuple[NetworkSpec, Detector, bytes]) -> None:
    _, detector, model = pair
    layers = layers_of(onnx.load_from_string(model))
    assert total_macs(layers) == count_macs(detector, torch.zeros(1, 3, *SIZE_HW))
    num_trained = sum(parameter.numel() for parameter in detector.parameters())
    num_folded = sum(layer.parameters for layer in layers)
    assert 0.9 * num_trained < num_folded <= num_trained  # BN is folded into the convolutions


def test_a_layer_says_what_latency_depends_on(pair: tuple[NetworkSpec, Detector, bytes]) -> None:
    layers = layers_of(onnx.load_from_string(pair[2]))
    head = [layer for layer in layers if layer.op == "Conv"][-1]
    assert (head.out_channels, head.out_hw) == (1, SIZE_HW)
    pool = next(layer for layer in layers if layer.op == "MaxPool")
    assert (pool.kernel, pool.stride, pool.out_hw, pool.macs) == ((2, 2), (2, 2), (16, 32), 0)
    concat = next(layer for layer in layers if layer.op == "Concat")
    assert (concat.in_channels, concat.out_channels) == (6, 6)
    atrous = [layer for layer in layers if layer.dilation == (2, 2)]
    assert bool(atrous) == (pair[0] is MIXED)
    for layer in atrous:
        assert (layer.kernel, layer.stride) == ((3, 3), (1, 1))
        assert layer.groups == layer.in_channels == layer.out_channels


def test_export_leaves_the_network_as_it_is(detector: Detector) -> None:
    detector.train()
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    export_onnx(detector, size_hw=SIZE_HW)
    assert detector.training
    assert all(torch.equal(before[name], tensor) for name, tensor in detector.state_dict().items())


def test_the_same_network_gives_the_same_file(pair: tuple[NetworkSpec, Detector, bytes]) -> None:
    assert export_onnx(pair[1], size_hw=SIZE_HW) == pair[2]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(value: float, detector: Detector) -> None:
    with torch.no_grad():
        detector.get_parameter("segmenter.head.weight")[0, 1] = value
    with pytest.raises(RunError, match=r"1 of 6 values of the weight segmenter\.head\.weight"):
        export_onnx(detector, size_hw=SIZE_HW)
