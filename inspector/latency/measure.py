"""Times the probe models and reference networks in the runtime of this device."""

from typing import Callable, List, Sequence, Tuple

import numpy as np

from inspector.latency.probes import Probe, ProbeFile, ReferenceNetwork
from inspector.latency.timing import median_difference_ms, median_ms
from inspector.runtime.engine import Engine

# Loads an ONNX file whose input has these rows and columns.
Load = Callable[[bytes, Tuple[int, int]], Engine]


def measure_probes(
    probes: ProbeFile, load: Load, chosen: Sequence[Probe], *, budget_s: float, on_done: Callable[[], None]
) -> List[Tuple[Probe, float]]:
    """Return each probe with the milliseconds of one block; `budget_s` is the time for one probe."""
    measured = []
    for probe in chosen:
        short, long = (_call(load(probes.model(file), probe.hw), probe.hw) for file in probe.files)
        difference_ms = median_difference_ms(short, long, budget_s=budget_s)
        measured.append((probe, difference_ms / (probe.repeats[1] - probe.repeats[0])))
        on_done()
    return measured


def measure_networks(
    probes: ProbeFile,
    load: Load,
    chosen: Sequence[ReferenceNetwork],
    *,
    budget_s: float,
    on_done: Callable[[], None],
) -> List[Tuple[ReferenceNetwork, float]]:
    """Return each network with its milliseconds; `budget_s` is the time for one network."""
    measured = []
    for network in chosen:
        call = _call(load(probes.model(network.file), network.hw), network.hw)
        measured.append((network, median_ms(call, budget_s=budget_s)))
        on_done()
    return measured


def _call(engine: Engine, hw: Tuple[int, int]) -> Callable[[], object]:
    image = np.random.default_rng(0).random((1, 3, *hw), dtype=np.float32)
    return lambda: engine.infer(image)


def overhead_ms(probes: ProbeFile, load: Load, smallest: Probe, *, budget_s: float) -> float:
    """Return the milliseconds of the smallest probe model: next to nothing but the call itself."""
    call = _call(load(probes.model(smallest.files[0]), smallest.hw), smallest.hw)
    return median_ms(call, budget_s=budget_s)
