"""Both exporters lead to one contract: opset 13, and the same answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from export.downlevel import SAME_MEANING, to_opset_13
from export.layers import layers_of
from export.onnx import export_onnx
from export.operators import check_operators
from inspector.errors import OperatorError
from inspector.runtime import open_engine
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec

SIZE_HW = (32, 64)


def _detector(spec: NetworkSpec) -> Detector:
    detector = build_detector(spec)
    initialise(detector, "he", seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2, generator=generator)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0, generator=generator)  # type: ignore[arg-type]
    return detector.eval()


@pytest.mark.parametrize(
    "spec",
    [
        NetworkSpec(family="unet", genes=(2, 0, 1) * 6, width=4, reconstructor_width=4),
        NetworkSpec(family="draem", genes=(), width=4, reconstructor_width=4),
    ],
    ids=lambda spec: spec.family,
)
def test_both_exporters_write_the_same_network(spec: NetworkSpec) -> None:
    detector = _detector(spec)
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    traced, captured = (
        export_onnx(detector, size_hw=SIZE_HW, exporter=exporter) for exporter in ("torchscript", "dynamo")
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in detector.state_dict().items())
    _same_contract(onnx.load_from_string(traced), onnx.load_from_string(captured))
    images = torch.rand(3, 3, *SIZE_HW, generator=torch.Generator().manual_seed(3))
    answers = [
        np.concatenate([engine.infer(image[None]) for image in images.numpy()])
        for engine in (
            open_engine(model, where="test", input_hw=SIZE_HW, threads=1) for model in (traced, captured)
        )
    ]
    with torch.inference_mode():
        expected = detector.score(images).numpy()
    assert expected.std() > 1e-3  # not saturated
    assert np.abs(answers[0] - answers[1]).max() < 1e-6
    assert np.abs(answers[1] - expected).max() < 1e-5


def _same_contract(traced: onnx.ModelProto, captured: onnx.ModelProto) -> None:
    for model in (traced, captured):
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
        assert model.ir_version <= 8
        check_operators(model)
        assert all(tensor.data_location == TensorProto.DEFAULT for tensor in model.graph.initializer)
        assert not model.metadata_props
        assert not any(node.metadata_props for node in model.graph.node)
    found = [
        Counter(
            (
                layer.op,
                layer.in_channels,
                layer.out_channels,
                layer.kernel,
                layer.dilation,
                layer.out_hw,
                layer.macs,
            )
            for layer in layers_of(model)
            if layer.op != "Constant"
        )
        for model in (traced, captured)
    ]
    assert found[0] == found[1]


def _model(
    nodes: list[onnx.NodeProto], *, opset: int = 18, shape: tuple[int, ...] = (1, 2, 4, 4)
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 8, 8])],
        [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2, 2])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _resize(**attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Resize", ["x", "", "scales"], ["y"], name="up", mode="linear", **attributes)


def test_new_attributes_with_their_old_meaning_are_dropped() -> None:
    lowered = to_opset_13(_model([_resize(antialias=0, keep_aspect_ratio_policy="stretch")]))
    assert [attribute.name for attribute in lowered.graph.node[0].attribute] == ["mode"]
    onnx.shape_inference.infer_shapes(lowered, strict_mode=True)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (_resize(antialias=1), r"node 'up' \(Resize\) has antialias = 1, which opset 13 cannot express"),
        (_resize(axes=[2, 3]), r"has axes = \[2, 3\], which opset 13 cannot express"),
        (_resize(keep_aspect_ratio_policy="not_larger"), r"has keep_aspect_ratio_policy = b'not_larger'"),
        (
            helper.make_node("ReduceMean", ["x"], ["y"], name="mean"),
            r"node 'mean' \(ReduceMean\) may mean something",
        ),
        (
            helper.make_node("Relu", ["x"], ["y"], name="r", domain="com.microsoft"),
            r"node 'r' \(Relu\) may mean",
        ),
    ],
)
def test_what_opset_13_cannot_say_is_refused(node: onnx.NodeProto, message: str) -> None:
    with pytest.raises(OperatorError, match=message):
        to_opset_13(_model([node]))


@pytest.mark.parametrize("opset", [13, 17, 20])
def test_only_opset_18_is_lowered(opset: int) -> None:
    with pytest.raises(OperatorError, match=f"the exporter wrote the opsets .*{opset}"):
        to_opset_13(_model([helper.make_node("Relu", ["x"], ["y"])], opset=opset))


def test_every_allowed_operator_has_the_same_inputs_and_attributes_in_both_opsets() -> None:
    """The table is held against ONNX's own schemas: what is not listed as new must be known to opset 13."""
    for name, newer in SAME_MEANING.items():
        old, new = onnx.defs.get_schema(name, 13), onnx.defs.get_schema(name, 18)
        unknown = (
            set(new.attributes) - set(old.attributes) - {"axes"}
        )  # of Resize; checked with `scales` above
        assert unknown == set(newer), name
        assert [value.name for value in new.inputs] == [value.name for value in old.inputs], name
