"""Channels brought to like ranges before quantisation, in a graph that computes the same.

One scale serves a whole tensor of activations, so a channel that is much narrower than its neighbours keeps
few of the 256 levels. Dividing a channel by s where a convolution makes it, and multiplying by s where
convolutions read it, changes nothing in float: what lies between them (Relu, MaxPool, Resize, Concat)
commutes with s > 0.

Source: Nagel et al., Data-Free Quantization (ICCV 2019), Sec. 4.1; the measured ranges and the square root
between activation and weight are those of SmoothQuant (Xiao et al., ICML 2023), eq. 4 with alpha = 1/2.
Differs from the sources: a depthwise reader has one scale a channel for its weights, so its input takes all
of s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, helper, numpy_helper

_COMMUTES = ("Relu", "MaxPool", "AveragePool", "Resize")
MAX_SCALE = 1024.0

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Reader:
    """A convolution that reads the channels of another, from channel `offset` of its own input on."""

    node: NodeProto
    offset: int

    @property
    def is_depthwise(self) -> bool:
        return _attribute(self.node, "group", 1) > 1


def equalised(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> onnx.ModelProto:
    """Return a graph of the same nodes and answers (to float rounding) whose channels have like ranges.

    Args:
        images: Network inputs, float32 (1, 3, H, W), on which ranges are measured.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    _unshare(result.graph)
    weights = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in result.graph.initializer}
    walk = _Walk(result.graph, weights)
    makers = {
        node.output[0]: (node, readers)
        for node in result.graph.node
        if node.op_type == "Conv" and (readers := walk.readers_of(node.output[0]))
    }
    ranges = _ranges(model, [_activated(name, result.graph) for name in makers], images)
    for (node, readers), range_ in zip(makers.values(), ranges, strict=True):
        _divide(node, readers, channel_scales(range_, _importance(readers, weights, len(range_))), weights)
    for tensor in result.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    return result


def channel_scales(ranges: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """Return s per channel with a geometric mean of 1; 1 where a channel is never active or never read.

    Args:
        ranges: Largest absolute activation, (C,).
        importance: Largest relative weight with which a convolution reads the channel, 0 to 1, (C,); NaN
            where depthwise ones alone read it, whose weights mind no scale.

    >>> channel_scales(np.array([1.0, 16.0, 0.0]), np.array([1.0, 1.0, 1.0]))
    array([0.5, 2. , 1. ], dtype=float32)
    """
    alive = (ranges > 0) & ~(importance == 0)
    if not alive.any():
        return np.ones(len(ranges), np.float32)
    depthwise = np.isnan(importance)
    wanted = np.where(depthwise, ranges, np.sqrt(ranges / np.where(alive & ~depthwise, importance, 1.0)))
    logarithms = np.log(np.where(alive, wanted, 1.0))
    scales = np.exp(logarithms - logarithms[alive].mean()).clip(1 / MAX_SCALE, MAX_SCALE)
    return np.where(alive, scales, 1.0).astype(np.float32)


class _Walk:
    """From a value to the convolutions that read its channels."""

    def __init__(self, graph: onnx.GraphProto, weights: Weights) -> None:
        self._graph = graph
        self._outputs = {value.name for value in graph.output}
        self._num_channels = {
            value.name: value.type.tensor_type.shape.dim[1].dim_value for value in graph.input
        }
        for node in graph.node:
            self._num_channels[node.output[0]] = self._channels(node, weights)

    def readers_of(self, value: str, *, offset: int = 0) -> list[Reader] | None:
        """Return them all; None where something else reads it, which a scale would change."""
        if value in self._outputs:
            return None
        found: list[Reader] = []
        for node in self._graph.node:
            for position, name in enumerate(node.input):
                if name != value:
                    continue
                more = self._through(node, position, offset)
                if more is None:
                    return None
                found += more
        return found

    def _through(self, node: NodeProto, position: int, offset: int) -> list[Reader] | None:
        if node.op_type == "Conv" and position == 0 and self._is_plain(node):
            return [Reader(node, offset)]
        if node.op_type in _COMMUTES and position == 0:
            return self.readers_of(node.output[0], offset=offset)
        if node.op_type == "Concat" and _attribute(node, "axis", 1) == 1:
            before = sum(self._num_channels[name] for name in node.input[:position])
            return self.readers_of(node.output[0], offset=offset + before)
        return None

    def _is_plain(self, node: NodeProto) -> bool:
        """Dense, or one filter a channel: other groups mix channels in ways that are not needed here."""
        group = _attribute(node, "group", 1)
        return group == 1 or group == self._num_channels[node.input[0]] == self._num_channels[node.output[0]]

    def _channels(self, node: NodeProto, weights: Weights) -> int:
        if node.op_type == "Conv":
            return len(weights[node.input[1]])
        if node.op_type == "Concat":
            return sum(self._num_channels.get(name, 0) for name in node.input)
        return self._num_channels.get(node.input[0], 0) if node.input else 0


def _importance(readers: Sequence[Reader], weights: Weights, num_channels: int) -> np.ndarray:
    """Return the largest weight of each channel in the readers, relative to the filter's largest."""
    found = np.full(num_channels, np.nan)
    for reader in readers:
        if not reader.is_depthwise:
            size = np.abs(weights[reader.node.input[1]]).max(axis=(2, 3))  # (K, C)
            relative = size / np.maximum(size.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
            found = np.fmax(found, relative[:, reader.offset : reader.offset + num_channels].max(axis=0))
    return found


def _divide(node: NodeProto, readers: Sequence[Reader], scales: np.ndarray, weights: Weights) -> None:
    weights[node.input[1]] /= scales[:, None, None, None]
    if len(node.input) > 2:
        weights[node.input[2]] /= scales
    for reader in readers:
        own = slice(reader.offset, reader.offset + len(scales))
        weight = weights[reader.node.input[1]]
        if reader.is_depthwise:
            weight[own] *= scales[:, None, None, None]
        else:
            weight[:, own] *= scales[:, None, None]


def _activated(name: str, graph: onnx.GraphProto) -> str:
    """Return the value behind the Relu that alone reads `name`; `name` where there is none."""
    readers = [node for node in graph.node if name in node.input]
    return readers[0].output[0] if len(readers) == 1 and readers[0].op_type == "Relu" else name


def _ranges(model: onnx.ModelProto, names: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the largest absolute value of each channel of each of these values over all images."""
    if not names:
        return []
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    outputs = [f"{name}/{kind}" for name in names for kind in ("Max", "Min")]
    for output in outputs:
        value, kind = output.rsplit("/", 1)
        probed.graph.node.append(
            helper.make_node(f"Reduce{kind}", [value], [output], name=output, axes=[0, 2, 3], keepdims=0)
        )
        probed.graph.output.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = probed.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found = [[np.abs(one) for one in session.run(outputs, {"image": image})] for image in images]
    return [np.max([run[2 * n + end] for run in found for end in (0, 1)], axis=0) for n in range(len(names))]


def _unshare(graph: onnx.GraphProto) -> None:
    """Give every convolution constants of its own: exporters store equal ones once."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    taken: set[str] = set()
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in tensors and name in taken:
                own = graph.initializer.add()
                own.CopyFrom(tensors[name])
                own.name = node.input[position] = f"{name}_of_{node.name}"
            taken.add(name)


def _attribute(node: NodeProto, name: str, default: int) -> int:
    return next((int(helper.get_attribute_value(a)) for a in node.attribute if a.name == name), default)
