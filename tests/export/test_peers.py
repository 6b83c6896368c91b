"""Peers are exported like AutoDD's own networks: same answers, known operators, the layers traced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.layers import layers_of, total_macs
from export.onnx import ScoreNetwork, export_onnx
from export.operators import check_operators
from inspector.latency import open_profile, predict
from inspector.manifest import LayerRecord
from inspector.runtime import open_engine
from search.limits.cost import count_macs
from search.limits.layers import trace_layers
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec
from tests.search.nets.peers.cells import ALL_OPERATIONS

SIZE_HW = (32, 64)
SPECS = [
    NetworkSpec("mobile_unet", (), 2, 0),
    NetworkSpec("shuffle_fabric", (), 2, 0),
    NetworkSpec("scunet", (), 4, 0),
    *(NetworkSpec("nas_unet", genes, 4, 0) for genes in ALL_OPERATIONS),
    NetworkSpec("mobile_unet", (), 2, 2),  # behind a reconstructor
]

Exported = tuple[NetworkSpec, Detector, bytes]


@pytest.fixture(scope="module", params=SPECS, ids=lambda spec: f"{spec.family}-{spec.digits[:6]}")
def exported(request: pytest.FixtureRequest) -> Exported:
    detector = build_detector(request.param)
    initialise(detector, "he", seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2, generator=generator)
            nn.init.uniform_(module.running_var, 0.5, 2.0, generator=generator)
    with torch.no_grad():
        detector.get_parameter("segmenter.head.weight").mul_(5.0)  # scores that differ from pixel to pixel
    return request.param, detector.eval(), export_onnx(detector.eval(), size_hw=SIZE_HW)


def test_the_file_gives_the_scores_of_the_network(exported: Exported) -> None:
    _, detector, model = exported
    engine = open_engine(model, where="test", input_hw=SIZE_HW, threads=1)
    images = torch.rand(2, 3, *SIZE_HW, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = detector.score(images).numpy()
    found = np.concatenate([engine.infer(image[None]) for image in images.numpy()])
    assert expected.std() > 1e-3  # not saturated
    assert np.abs(found - expected).max() < 1e-4  # design.md, "Parity"


def test_devices_run_every_operator(exported: Exported) -> None:
    assert check_operators(onnx.load_from_string(exported[2])) > 0


def test_traced_layers_are_those_of_the_file(exported: Exported) -> None:
    spec, detector, model = exported
    in_file = layers_of(onnx.load_from_string(model))
    with torch.device("meta"):
        traced = trace_layers(ScoreNetwork(build_detector(spec)).eval(), torch.empty(1, 3, *SIZE_HW))
    assert _described(traced) == _described(in_file)
    nano = open_profile("jetson-nano")
    assert predict(traced, nano).total_ms == pytest.approx(predict(in_file, nano).total_ms, rel=1e-12)
    assert total_macs(in_file) == count_macs(detector, torch.zeros(1, 3, *SIZE_HW))


def _described(layers: list[LayerRecord]) -> Counter[tuple[Any, ...]]:
    """What a layer is without its name; activations are fused into the convolution before them."""
    return Counter(
        tuple(value for name, value in layer.model_dump().items() if name != "name")
        for layer in layers
        if layer.op not in ("Relu", "Clip")
    )
