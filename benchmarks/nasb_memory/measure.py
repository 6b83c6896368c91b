"""Bytes that an architecture step keeps, the floor below them, and how far the process grows."""

import resource
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
    before_mb = _resident_mb()
    gradients = torch.autograd.grad(_loss(subject), list(subject.architecture.parameters()))
    assert all(bool(grad.isfinite().all()) for grad in gradients)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB - before_mb


def _loss(subject: Subject) -> Tensor:
    architect = subject.architect
    return architect.loss(subject.batch, subject.architecture.weights(architect.method.relaxation(0.0)))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MB
