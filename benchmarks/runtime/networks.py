"""The two networks that are timed: a searched and trained narrow one, and the same at paper width.

Training a network of width 64 takes a GPU. Here a trained narrow one is widened so that it computes the same
function with 64 channels where it had 8 (Net2WiderNet): its speed is that of the paper's width, and its AUPR
is real, the narrow network's own.

Source: Chen et al., Net2Net (ICLR 2016), Sec. 3.1.
Differs from the source: every channel is copied equally often; the shares of the copies are random for every
weight, so that no two filters are equal.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.trained import Trained
from search.nets.detector import Detector, build_detector
from search.nets.spec import NetworkSpec

PAPER = 64


def at_paper_width(narrow: Trained) -> Trained:
    """Return the same function with the channels of the paper."""
    spec = replace(narrow.spec, width=PAPER, reconstructor_width=PAPER)
    return replace(narrow, name="runtime-paper", detector=widened(narrow.detector, spec), spec=spec)


def widened(net: Detector, spec: NetworkSpec) -> Detector:
    """Return a detector of `spec` that computes what `net`, a narrower one of the same genes, does."""
    wide = build_detector(spec).eval()
    rng = np.random.default_rng(0)
    sources = dict(net.named_modules())
    with torch.no_grad():
        for name, target in wide.named_modules():
            if isinstance(target, nn.Conv2d):
                _widen_convolution(sources[name], target, rng)
            elif isinstance(target, nn.BatchNorm2d):
                state = sources[name].state_dict().items()
                target.load_state_dict({key: _copied(value, target.num_features) for key, value in state})
    return wide


def _widen_convolution(source: nn.Module, target: nn.Conv2d, rng: np.random.Generator) -> None:
    assert isinstance(source, nn.Conv2d)
    target.weight.copy_(_widened(source.weight, target.weight.shape, rng))
    if target.bias is not None and source.bias is not None:
        target.bias.copy_(_copied(source.bias, len(target.bias)))


def _copied(values: Tensor, count: int) -> Tensor:
    """Repeat each channel; a number without channels stays."""
    return values if values.ndim == 0 else values.repeat_interleave(count // len(values), dim=0)


def _widened(weight: Tensor, shape: torch.Size, rng: np.random.Generator) -> Tensor:
    """Copy output channels, and share each input channel's weight among its copies; shares add up to 1."""
    copies = shape[1] // weight.shape[1]
    by_output = _copied(weight, shape[0])
    shares = rng.uniform(0.5, 1.5, (shape[0], weight.shape[1], copies))
    shares /= shares.sum(axis=2, keepdims=True)
    spread = by_output[:, :, None] * torch.from_numpy(shares).to(weight.dtype)[..., None, None]
    return spread.reshape(shape)


def at_side(model: bytes, side_px: int) -> bytes:
    """Return the ONNX file for square inputs of `side_px`: the networks are convolutions throughout."""
    proto = onnx.load_from_string(model)
    for value in (*proto.graph.input, *proto.graph.output):
        for dim in value.type.tensor_type.shape.dim[2:]:
            dim.dim_value = side_px
    del proto.graph.value_info[:]
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString())


def save_network(trained: Trained, path: Path) -> None:
    """Write the network's specification and weights for `load_network`."""
    torch.save({"spec": asdict(trained.spec), "net": trained.detector.state_dict()}, path)


def load_network(path: Path) -> Detector:
    """Return the network that `save_network` wrote, in evaluation mode."""
    saved = torch.load(path, weights_only=True)
    net = build_detector(NetworkSpec(**saved["spec"])).eval()
    net.load_state_dict(saved["net"])
    return net
