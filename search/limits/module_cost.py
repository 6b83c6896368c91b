"""What parts of a network cost: nodes, or one of the two networks of a detector.

Source: search/limits/cost.py and inspector/latency, part by part; their sums are the whole network's.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from inspector.latency import DeviceProfile, predict
from inspector.manifest import LayerRecord
from search.limits.cost import NetworkCost
from search.limits.layers import trace_modules
from search.nets.detector import Detector


def module_costs(
    net: Detector, image: Tensor, modules: Sequence[nn.Module], *, profile: DeviceProfile | None = None
) -> list[NetworkCost]:
    """Count each of `modules`, which `net` calls once for `image`; both on the meta device, in eval mode.

    With `profile` also their predicted milliseconds, without what a frame costs beside its layers.
    """
    by_module = trace_modules(net.score, image, modules)
    return [
        NetworkCost(
            params=sum(parameter.numel() for parameter in module.parameters()),
            macs=sum(layer.macs for layer in layers),
            latency_ms=_ms(layers, profile),
        )
        for module, layers in zip(modules, by_module, strict=True)
    ]


def _ms(layers: Sequence[LayerRecord], profile: DeviceProfile | None) -> float | None:
    return None if profile is None else predict(layers, profile).total_ms - profile.overhead_ms
