"""From measured probes and networks to a device profile: numbers in, profile out.

Each probe gives the time of its target layers, once what is known of the rest of its block is taken off. Then
one factor a kind brings the sums of layers to the times of whole networks: ridge regression on relative
errors, towards 1 where the networks do not tell.
"""

import statistics
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from inspector.latency.device_profile import DeviceProfile, KindCost, Point
from inspector.latency.predict import predict, work_ms
from inspector.latency.probes import Probe, ReferenceNetwork
from inspector.latency.work import KINDS, Work, work_of

RIDGE = 0.003
MIN_SCALE, MAX_SCALE = 0.25, 4.0
MIN_NS_PER_UNIT = 1e-7
MIN_ERROR, UNKNOWN_ERROR = 0.01, 0.5


@dataclass(frozen=True)
class Description:
    """Everything of a profile that is not a time."""

    name: str
    description: str
    precision: str
    machine: Dict[str, Any]


def fit_profile(
    probes: Sequence[Tuple[Probe, float]],
    networks: Sequence[Tuple[ReferenceNetwork, float]],
    description: Description,
    *,
    overhead_ms: float,
) -> DeviceProfile:
    """Return the profile that explains the measurements.

    Args:
        probes: Each with the milliseconds of one block.
        networks: Each with its milliseconds; `relative_error` of the profile is their median error when each
            one in turn is left out of the fit.
        overhead_ms: Of a call that computes almost nothing.
    """
    costs: Dict[str, List[Point]] = {kind: [] for kind in KINDS}
    layers_only = _profile(description, costs, overhead_ms, {}, 1.0)
    for probe, block_ms in probes:
        for kind, point in _points(probe, block_ms, layers_only, known=costs):
            costs[kind].append(point)
        layers_only = _profile(description, costs, overhead_ms, {}, 1.0)
    shares = np.array([_shares(network, layers_only) for network, _ in networks]).reshape(-1, len(KINDS))
    times = np.array([ms - overhead_ms for _, ms in networks])
    scales = {kind: float(f"{scale:.4g}") for kind, scale in zip(KINDS, _scales(shares, times))}
    error = _left_out_error(shares, times, overhead_ms=overhead_ms)
    return _profile(description, costs, overhead_ms, scales, error)


def _points(
    probe: Probe, block_ms: float, profile: DeviceProfile, *, known: Dict[str, List[Point]]
) -> List[Tuple[str, Point]]:
    works = [work_of(layer) for layer in probe.block]
    targets = [work for number, work in enumerate(works) if work is not None and number in probe.targets]
    others = [work for number, work in enumerate(works) if work is not None and number not in probe.targets]
    rest_ms = max(0.0, block_ms - sum(work_ms(work, profile) for work in others if known[work.kind]))
    units = sum(work.units for work in targets)
    ns_per_unit = max(rest_ms * 1e6 / units, MIN_NS_PER_UNIT)
    return [(work.kind, _point(work, ns_per_unit)) for work in targets]


def _point(work: Work, ns_per_unit: float) -> Point:
    return Point(
        in_channels=work.in_channels,
        out_channels=work.out_channels,
        pixels=work.pixels,
        ns_per_unit=float(f"{ns_per_unit:.4g}"),
    )


def _scales(shares: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Minimise sum over networks of ((sum_k s_k t_k - t) / t)^2 + RIDGE sum_k (s_k - 1)^2.

    shares: (networks, kinds) predicted milliseconds; times: (networks,) measured, without the overhead.
    """
    relative = shares / times[:, None]
    left = np.vstack([relative, np.sqrt(RIDGE) * np.eye(len(KINDS))])
    right = np.concatenate([np.ones(len(times)), np.full(len(KINDS), np.sqrt(RIDGE))])
    solution, *_ = np.linalg.lstsq(left, right, rcond=None)
    clipped: np.ndarray = np.clip(solution, MIN_SCALE, MAX_SCALE)
    return clipped


def _shares(network: ReferenceNetwork, profile: DeviceProfile) -> List[float]:
    prediction = predict(network.layers, profile)
    return [sum(time.ms for time in prediction.layers if time.kind == kind) for kind in KINDS]


def _left_out_error(shares: np.ndarray, times: np.ndarray, *, overhead_ms: float) -> float:
    errors: List[float] = []
    for number in range(len(times)):
        kept = np.arange(len(times)) != number
        predicted = float(shares[number] @ _scales(shares[kept], times[kept]))
        errors.append(abs(predicted - times[number]) / (times[number] + overhead_ms))
    return max(MIN_ERROR, statistics.median(errors)) if errors else UNKNOWN_ERROR


def _profile(
    description: Description,
    points: Dict[str, List[Point]],
    overhead_ms: float,
    scales: Dict[str, float],
    relative_error: float,
) -> DeviceProfile:
    unknown = Point(in_channels=8, out_channels=8, pixels=1024, ns_per_unit=0.0)
    return DeviceProfile(
        name=description.name,
        description=description.description,
        basis="measured",
        source="inspector profile",
        precision=description.precision,
        relative_error=float(f"{relative_error:.3g}"),
        error_basis="median over the reference networks, each left out of the fit in turn",
        overhead_ms=float(f"{overhead_ms:.4g}"),
        costs={
            kind: KindCost(points=points[kind] or [unknown], scale=scales.get(kind, 1.0)) for kind in KINDS
        },
        machine=description.machine,
    )
