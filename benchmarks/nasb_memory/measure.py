"""Bytes that an architecture step keeps, the floor below them, and how far the process grows."""

from pathlib import Path

import torch
from torch import Tensor

from benchmarks.cell_search import NUM_CELLS, Subject
from search.nasb.activation_memory import kept_bytes
from search.nasb.relaxation import active_pairs
from search.nets.cell.nodes import PathNode
from search.nets.cell.space import cell_kinds
from search.nets.cell.supernet import CellSupernet
from search.nets.cell.weights import CellWeights

MB = 1e6


def kept_mb(subject: Subject) -> float:
    """Return what the pass of one architecture step keeps for its backward pass."""
    beside = [subject.batch[0], *subject.parameters()]
    return kept_bytes(lambda: _loss(subject), beside=beside) / MB


def floor_mb(subject: Subject, *, seed: int, channels: int) -> float:
    """Return what the network keeps without a search: two edges a node, one operation each, no gates."""
    architecture = subject.architecture
    pairs = {kind: active_pairs(architecture.matrices(kind)[0]) for kind in ("normal", "reduce")}
    weights = [CellWeights(active=pairs[kind]) for kind in cell_kinds(NUM_CELLS)]
    torch.manual_seed(seed)
    net = CellSupernet(PathNode, channels=channels, num_cells=NUM_CELLS)
    images, labels = subject.batch

    def loss() -> Tensor:
        return torch.nn.functional.cross_entropy(net(images, weights), labels)

    return kept_bytes(loss, beside=[images, *net.parameters()]) / MB


def peak_growth_mb(subject: Subject) -> float:
    """Run one architecture step and return by how much the process' peak exceeds what it held before."""
    before_mb = _status_mb("VmRSS")
    gradients = torch.autograd.grad(_loss(subject), list(subject.architecture.parameters()))
    assert all(bool(grad.isfinite().all()) for grad in gradients)
    return _status_mb("VmHWM") - before_mb


def _loss(subject: Subject) -> Tensor:
    architect = subject.architect
    return architect.loss(subject.batch, subject.architecture.weights(architect.method.relaxation(0.0)))


def _status_mb(key: str) -> float:
    """Return a line of /proc/self/status; unlike ru_maxrss its peak is not inherited from the parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024 / MB
    raise RuntimeError(f"this system's /proc/self/status has no {key}; choose --no-peak")
