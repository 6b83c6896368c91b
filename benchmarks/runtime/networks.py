"""The two networks that are timed: a searched and trained narrow one, and the same at paper width.

The second is the first, widened (benchmarks/widening.py): its speed is that of the paper's width, and its
AUPR is real, the narrow network's own.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import onnx
import torch

from benchmarks.widening import copy_widened
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
    copy_widened(net, wide)
    return wide


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
