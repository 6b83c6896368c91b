"""A made-up device is measured without noise: the fit finds its speeds and says how far off it is."""

from __future__ import annotations

import pytest

from inspector.latency.fit import Description, fit_profile
from inspector.latency.predict import predict
from inspector.latency.probes import Probe, open_probes
from inspector.latency.timing import median_difference_ms, rounds_ms
from inspector.latency.work import Work, work_of
from inspector.manifest import LayerRecord

DESCRIPTION = Description(name="made-up", description="", precision="fp32", machine={})
NS_PER_UNIT = {
    "dense": 0.02,
    "pointwise": 0.025,
    "first": 0.05,
    "depthwise": 0.04,
    "dilated_depthwise": 0.06,
    "rescale": 0.3,
    "concat": 0.2,
    "elementwise": 0.1,
}


def true_ms(layers: list[LayerRecord], *, slower: float = 1.0) -> float:
    """Milliseconds on a device whose narrow layers take longer; its networks are `slower` than layers."""
    return slower * sum(_work_ms(work) for work in map(work_of, layers) if work is not None)


def _work_ms(work: Work) -> float:
    narrow = 1 + 8 / min(work.in_channels, work.out_channels)
    return work.units * NS_PER_UNIT[work.kind] * narrow * 1e-6


def fitted(*, slower: float = 1.0) -> tuple[float, list[float]]:
    """Return the stated error, and the ratios of predicted and true times of all reference networks."""
    with open_probes() as probes:
        index = probes.index
    measured = [(probe, true_ms(probe.block)) for probe in index.probes]
    networks = [(network, 0.2 + true_ms(network.layers, slower=slower)) for network in index.networks]
    profile = fit_profile(measured, networks, DESCRIPTION, overhead_ms=0.2)
    return profile.relative_error, [predict(n.layers, profile).total_ms / ms for n, ms in networks]


def test_a_device_that_adds_up_is_predicted() -> None:
    error, ratios = fitted()
    assert all(0.95 < ratio < 1.05 for ratio in ratios)
    assert error < 0.03


def test_networks_that_are_slower_than_their_layers_set_the_scale() -> None:
    _, ratios = fitted(slower=1.5)
    assert all(0.9 < ratio < 1.1 for ratio in ratios)


def test_the_stated_error_grows_with_what_cannot_be_explained() -> None:
    with open_probes() as probes:
        index = probes.index
    measured = [(probe, true_ms(probe.block)) for probe in index.probes]
    networks = [
        (network, true_ms(network.layers) * (2.0 if number % 2 else 1.0))
        for number, network in enumerate(index.networks)
    ]
    assert fit_profile(measured, networks, DESCRIPTION, overhead_ms=0.0).relative_error > 0.2


def test_noise_below_zero_is_no_time() -> None:
    with open_probes() as probes:
        probe: Probe = probes.index.probes[0]
    profile = fit_profile([(probe, 0.0)], [], DESCRIPTION, overhead_ms=0.0)
    assert predict(probe.block, profile).total_ms == pytest.approx(0.0, abs=1e-3)


def test_calls_are_timed_in_turn() -> None:
    now_s, order = 0.0, []

    def call(name: str, cost_s: float) -> None:
        nonlocal now_s
        order.append(name)
        now_s += cost_s

    calls = [lambda: call("short", 0.001), lambda: call("long", 0.003)]
    short, long = rounds_ms(calls, budget_s=0.0, clock_s=lambda: now_s)
    assert short == pytest.approx([1.0] * 5)
    assert long == pytest.approx([3.0] * 5)
    assert order == ["short", "long"] * 6  # the first round warms up


def test_a_difference_is_never_negative() -> None:
    assert median_difference_ms(lambda: sum(range(20_000)), lambda: None, budget_s=0.0) == 0.0
