"""Writes the probe models that `inspector profile` times on devices without torch or onnx.

`python -m export.probes` writes inspector/latency/probes.zip, the same bytes every time. All weights of a
layer are equal and keep the values of a photo in their range: they compress to nothing, and time does not
depend on them.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.layers import layers_of
from export.onnx import export_onnx
from export.operators import OPSET, check_operators
from inspector.latency.probes import INDEX, SHIPPED, Probe, ProbeIndex, ReferenceNetwork
from inspector.output_file import write_file
from search.nets.detector import build_detector
from search.nets.spec import NUM_NODES, NetworkSpec

IR_VERSION = 7
CHANNELS = (8, 16, 32, 64, 128, 256)
SIDES = (16, 32, 64, 128, 256)
CORE_CHANNELS, CORE_SIDES = (8, 32, 128), (32, 128)
MAX_VALUES = 64 * 256 * 256  # of one feature map: width 64 at 256 x 256
MIN_CHANNELS_TIMES_SIDE = 512  # below, nothing in a U-Net is so narrow and so small
WORK_PER_PROBE = 50e6  # multiply-adds, or ten times the values, that the longer model does more
NUM_RANDOM_NETWORKS = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Step:
    """One operation of a block: conv, depthwise, pool, resize, concat or add (with the stem's output)."""

    what: str
    out_channels: int = 0
    kernel: int = 1
    dilation: int = 1


def write_probes(path: Path = SHIPPED) -> Path:
    """Write every probe and reference network, with their index, to the zip `path`."""
    models: dict[str, bytes] = {}
    probes = [_probe(*asked, models=models) for asked in _blocks()]
    networks = [_network(spec, side, models=models) for spec, side in _reference_networks()]
    index = ProbeIndex(probes=probes, networks=networks)
    models[INDEX] = json.dumps(index.model_dump(mode="json", exclude_defaults=True)).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(models):
            archive.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), models[name], zipfile.ZIP_DEFLATED)
    write_file(path, buffer.getvalue())
    return path


def _blocks() -> Iterator[tuple[str, int, int, tuple[Step, ...], tuple[int, ...]]]:
    """Yield (kind of probe, channels, side, block, targets); blocks build on kinds that came before."""
    for channels, side in _grid():
        yield "pointwise", channels, side, (Step("conv", channels),), (0,)
    for channels, side in _grid():
        yield "dense", channels, side, (Step("conv", channels, 3),), (0,)
    for channels, side in _grid():
        yield "depthwise", channels, side, (Step("depthwise", channels, 3),), (0,)
    for channels, side in _grid():
        yield "dilated", channels, side, (Step("depthwise", channels, 3, 2),), (0,)
    for channels, side in _grid(every=2):
        narrow = (Step("conv", channels // 2, 3), Step("conv", channels, 3))
        yield "dense_half", channels, side, narrow, (0, 1)
        yield "pointwise_half", channels, side, (Step("conv", channels // 2), Step("conv", channels)), (0, 1)
        yield "rescale", channels, side, (Step("pool"), Step("resize")), (0, 1)
        yield "add", channels, side, (Step("add"),), (0,)
        yield "concat", channels, side, (Step("concat"), Step("conv", channels)), (0,)
    for channels, side in _grid(every=2):
        yield "head", channels, side, (Step("conv", 1), Step("conv", channels)), (0, 1)
        for first in (3, 6):
            yield f"first_{first}", first, side, (Step("conv", channels, 3), Step("conv", first)), (0,)


def _grid(*, every: int = 1) -> list[tuple[int, int]]:
    return [
        (channels, side)
        for channels in CHANNELS[::every]
        for side in SIDES
        if channels * side * side <= MAX_VALUES and channels * side >= MIN_CHANNELS_TIMES_SIDE
    ]


def _probe(
    kind: str,
    channels: int,
    side: int,
    block: Sequence[Step],
    targets: Sequence[int],
    *,
    models: dict[str, bytes],
) -> Probe:
    widest = max(channels, *(step.out_channels for step in block))
    name = f"{kind}_{widest}_{side}"
    once = layers_of(_model(block, 1, channels=channels, side=side))
    of_block = [layer for layer in once if layer.name.startswith("block0_") and layer.op != "Relu"]
    work = sum(layer.macs for layer in of_block) + 10 * widest * side * side
    short = 1
    long = short + int(np.clip(round(WORK_PER_PROBE / work), 1, 16))
    probe = Probe(
        name=name,
        hw=(side, side),
        block=of_block,
        targets=list(targets),
        repeats=(short, long),
        is_core=widest in CORE_CHANNELS and side in CORE_SIDES,
    )
    for file, repeats in zip(probe.files, probe.repeats, strict=True):
        model = _model(block, repeats, channels=channels, side=side)
        check_operators(model)
        models[file] = model.SerializeToString(deterministic=True)
    return probe


class _Graph:
    """Collects the nodes and weights of one model."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def add(self, op: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, name: str, x: str, shape: tuple[int, ...], *, dilation: int = 1, groups: int = 1) -> str:
        """Convolve with equal weights that sum to one, keeping the size."""
        weight = np.full(shape, 1 / prod(shape[1:]), np.float32)
        bias = np.zeros(shape[0], np.float32)
        padding = dilation * (shape[2] // 2)
        return self.add(
            "Conv",
            name,
            [x, self.constant(f"{name}_w", weight), self.constant(f"{name}_b", bias)],
            kernel_shape=list(shape[2:]),
            pads=[padding] * 4,
            dilations=[dilation, dilation],
            group=groups,
            strides=[1, 1],
        )


def _model(block: Sequence[Step], repeats: int, *, channels: int, side: int) -> onnx.ModelProto:
    """Return image -> 1x1 conv to `channels` -> block, repeated -> 1x1 conv to 1 -> sigmoid -> score."""
    graph = _Graph()
    x = graph.conv("stem", "image", (channels, 3, 1, 1))
    for number in range(repeats):
        x = _append_block(graph, block, x, channels=channels, prefix=f"block{number}")
    logits = graph.conv("head", x, (1, channels, 1, 1))
    graph.add("Sigmoid", "score", [logits])
    proto = helper.make_graph(
        graph.nodes,
        "probe",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1, side, side])],
        graph.weights,
    )
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _append_block(graph: _Graph, block: Sequence[Step], x: str, *, channels: int, prefix: str) -> str:
    width = channels
    for number, step in enumerate(block):
        name = f"{prefix}_{number}_{step.what}"
        if step.what == "conv":
            shape = (step.out_channels, width, step.kernel, step.kernel)
            x = graph.add("Relu", f"{name}_relu", [graph.conv(name, x, shape, dilation=step.dilation)])
            width = step.out_channels
        elif step.what == "depthwise":
            x = graph.conv(name, x, (width, 1, 3, 3), dilation=step.dilation, groups=width)
        elif step.what == "pool":
            x = graph.add("MaxPool", name, [x], kernel_shape=[2, 2], strides=[2, 2])
        elif step.what == "resize":
            scales = graph.constant(f"{name}_scales", np.array([1, 1, 2, 2], np.float32))
            mode = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
            x = graph.add("Resize", name, [x, "", scales], **mode)
        elif step.what == "concat":
            x, width = graph.add("Concat", name, [x, "stem"], axis=1), 2 * width
        else:
            x = graph.add("Add", name, [x, "stem"])
    return x


def _reference_networks() -> Iterator[tuple[NetworkSpec, int]]:
    """Yield networks of the space `unet`: each operation alone, and random genes, in several sizes."""
    rng = np.random.default_rng(0)
    for width, side in ((8, 128), (16, 128), (16, 256), (32, 128)):
        for gene in range(3):
            yield NetworkSpec("unet", (gene,) * NUM_NODES, width, width), side
        for _ in range(NUM_RANDOM_NETWORKS):
            genes = tuple(int(gene) for gene in rng.integers(0, 3, NUM_NODES))
            yield NetworkSpec("unet", genes, width, width), side


def _network(spec: NetworkSpec, side: int, *, models: dict[str, bytes]) -> ReferenceNetwork:
    model = onnx.load_from_string(export_onnx(build_detector(spec).eval(), size_hw=(side, side)))
    parameters = {name for node in model.graph.node if node.op_type == "Conv" for name in node.input[1:]}
    for tensor in model.graph.initializer:
        if tensor.name in parameters:
            shape = tuple(tensor.dims)
            value = 1 / prod(shape[1:]) if len(shape) == 4 else 0.0
            tensor.CopyFrom(numpy_helper.from_array(np.full(shape, value, np.float32), tensor.name))
    name = f"unet_{spec.width}_{side}_{''.join(str(gene) for gene in spec.genes)}"
    network = ReferenceNetwork(
        name=name,
        hw=(side, side),
        layers=layers_of(model),
        is_core=len(set(spec.genes)) > 1 and side == 128,
    )
    models[network.file] = model.SerializeToString(deterministic=True)
    return network


if __name__ == "__main__":
    written = write_probes()
    print(f"{written}: {written.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
