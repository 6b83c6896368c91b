"""Milliseconds of a network from its layers and a device profile.

Layers add up: t = overhead + sum of (scale x time of the layer + overhead of a layer). A measured kind takes
the time of a unit of work from the measured layers next to it, in the logarithms of channels and pixels; a
prior takes the slower of computing and moving data (a roofline).

Source: facts/jetson.md, section 6; the lookup is that of once-for-all and ProxylessNAS, on a coarser grid.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import List, Optional, Sequence, Tuple

from inspector.latency.device_profile import DeviceProfile, Point, Roofline
from inspector.latency.work import Work, work_of
from inspector.manifest import LayerRecord

NUM_NEIGHBOURS = 4
PIXEL_WEIGHT = 0.5  # a factor of two in channels changes the speed more than one in pixels


@dataclass(frozen=True)
class LayerTime:
    """One layer and its predicted milliseconds; 0 where a runtime computes it within another one."""

    layer: LayerRecord
    kind: Optional[str]
    ms: float


@dataclass(frozen=True)
class Prediction:
    """Predicted latency of one frame, without decoding and drawing. `relative_error` is the profile's."""

    total_ms: float
    overhead_ms: float
    layers: Tuple[LayerTime, ...]
    relative_error: float

    @property
    def range_ms(self) -> Tuple[float, float]:
        """The total with the profile's typical error taken off and added."""
        return self.total_ms / (1 + self.relative_error), self.total_ms * (1 + self.relative_error)


def predict(layers: Sequence[LayerRecord], profile: DeviceProfile) -> Prediction:
    """Predict the latency of a network of `layers` on the device of `profile`."""
    times: List[LayerTime] = []
    for layer in layers:
        work = work_of(layer)
        kind = None if work is None else work.kind
        times.append(LayerTime(layer, kind, 0.0 if work is None else work_ms(work, profile)))
    return Prediction(
        total_ms=profile.overhead_ms + sum(time.ms for time in times),
        overhead_ms=profile.overhead_ms,
        layers=tuple(times),
        relative_error=profile.relative_error,
    )


def work_ms(work: Work, profile: DeviceProfile) -> float:
    """Predict the milliseconds of one layer's work."""
    cost = profile.costs[work.kind]
    if cost.roofline is not None:
        ms = _roofline_ms(work, cost.roofline, bytes_per_value=profile.bytes_per_value)
    else:
        ms = work.units * _ns_per_unit(work, cost.points) * 1e-6
    return cost.scale * ms + profile.overhead_us_per_layer * 1e-3


def _roofline_ms(work: Work, roofline: Roofline, *, bytes_per_value: int) -> float:
    moving = (work.values + work.weights) * bytes_per_value / roofline.giga_bytes_s
    computing = 0.0 if roofline.giga_operations_s is None else 2 * work.units / roofline.giga_operations_s
    return max(computing, moving) * 1e-6


def _ns_per_unit(work: Work, points: Sequence[Point]) -> float:
    """Average the nearest measured layers, each weighted by its inverse square distance, in logarithms."""
    here = _place(work.in_channels, work.out_channels, work.pixels)
    near = sorted((math.dist(here, place), ns) for place, ns in _places(tuple(points)))[:NUM_NEIGHBOURS]
    if near[0][0] < 1e-9:
        return near[0][1]
    weights = [distance**-2 for distance, _ in near]
    logs = sum(weight * math.log(max(ns, 1e-12)) for weight, (_, ns) in zip(weights, near))
    return math.exp(logs / sum(weights))


@lru_cache(maxsize=64)
def _places(points: Tuple[Point, ...]) -> Tuple[Tuple[Tuple[float, float, float], float], ...]:
    return tuple(
        (_place(point.in_channels, point.out_channels, point.pixels), point.ns_per_unit) for point in points
    )


def _place(in_channels: int, out_channels: int, pixels: int) -> Tuple[float, float, float]:
    return math.log2(in_channels), math.log2(out_channels), PIXEL_WEIGHT * math.log2(pixels)
