"""What a network costs: parameters, megabytes, multiply-adds; counted, never trained.

Source: [D] Sec. 5.2.4 (M(N) counts both networks); spec/autodd.md, "Size".
Differs from the source: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from search.nets.detector import Detector, build_detector
from search.nets.spec import NetworkSpec

BYTES_PER_PARAMETER = 4
MB = 1e6
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class NetworkCost:
    """Parameters of both networks and multiply-adds of one frame.

    latency_ms: predicted for one frame, where a device is named.
    """

    params: int
    macs: int
    latency_ms: float | None = field(default=None, compare=False)

    @property
    def size_mb(self) -> float:
        return self.params * BYTES_PER_PARAMETER / MB

    @property
    def macs_g(self) -> float:
        return self.macs / 1e9

    def as_dict(self) -> dict[str, Any]:
        counted = {"params": self.params, "size_mb": self.size_mb, "macs_g": self.macs_g}
        return counted if self.latency_ms is None else {**counted, "latency_ms": round(self.latency_ms, 4)}


@lru_cache(maxsize=4096)
def network_cost(spec: NetworkSpec, size_hw: tuple[int, int]) -> NetworkCost:
    """Count the network of `spec` at an input of `size_hw` pixels.

    The count runs the real modules on PyTorch's meta device: shapes only, no memory, no arithmetic.
    """
    net, image = on_meta(spec, size_hw)
    return NetworkCost(params=_num_params(net), macs=count_macs(net, image))


def node_costs(spec: NetworkSpec, size_hw: tuple[int, int]) -> tuple[NetworkCost, ...]:
    """Count each node of a `unet` alone; what a node costs depends on its own gene only."""
    net, image = on_meta(spec, size_hw)
    nodes = [net.get_submodule(f"segmenter.nodes.{node}") for node in range(len(spec.genes))]
    macs = _macs_of_convolutions(net, image)
    return tuple(
        NetworkCost(params=_num_params(node), macs=sum(macs.get(module, 0) for module in node.modules()))
        for node in nodes
    )


def count_macs(net: nn.Module, image: Tensor) -> int:
    """Count the multiply-adds of all convolutions for `image`; biases, BN and resizing count nothing."""
    return sum(_macs_of_convolutions(net, image).values())


def on_meta(spec: NetworkSpec, size_hw: tuple[int, int]) -> tuple[Detector, Tensor]:
    """Return the network of `spec` in eval mode and an image for it, shapes only."""
    with torch.device("meta"):
        return build_detector(spec).eval(), torch.empty(1, 3, *size_hw)


def _num_params(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _macs_of_convolutions(net: nn.Module, image: Tensor) -> dict[nn.Module, int]:
    macs: dict[nn.Module, int] = {}

    def add(module: nn.Module, inputs: Any, output: Tensor) -> None:
        assert isinstance(module, _CONVOLUTIONS)
        # A transposed convolution spreads each input value, a plain one gathers each output value.
        values = inputs[0].numel() if isinstance(module, nn.ConvTranspose2d) else output.numel()
        macs[module] = macs.get(module, 0) + values * module.weight[0].numel()

    hooks = [m.register_forward_hook(add) for m in net.modules() if isinstance(m, _CONVOLUTIONS)]
    try:
        with torch.no_grad():
            net(image)
    finally:
        for hook in hooks:
            hook.remove()
    return macs
