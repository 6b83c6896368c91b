"""`inspector profile`: run on a device, measures how long it needs for each kind of layer."""

import os
import platform
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import typer

from inspector import __version__
from inspector.console import Console
from inspector.errors import InputError
from inspector.latency.device_profile import DeviceProfile, write_profile
from inspector.latency.fit import Description, fit_profile
from inspector.latency.measure import Load, measure_networks, measure_probes, overhead_ms
from inspector.latency.probes import ProbeFile, open_probes
from inspector.runtime.best import open_best
from inspector.runtime.device import this_device
from inspector.runtime.engine import Engine, Network

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Measure this device: a latency table that search and export use as a hard limit.",
)
NETWORK_BUDGET_FACTOR = 4.0


@app.command(
    epilog="Example: inspector profile --out line7.json, then search with limits: {device: line7.json}"
)
def profile(
    out: Path = typer.Option(..., help="The profile to write, a JSON file."),
    name: Optional[str] = typer.Option(None, help="Its name [default: that of the file]."),
    runtime: str = typer.Option("auto", help="auto takes the fastest that is there; or tensorrt, cuda, cpu."),
    threads: Optional[int] = typer.Option(None, min=1, help="CPU threads of the network [default: all]."),
    precision: str = typer.Option(
        "fp32", help="fp32, or fp16 where the runtime builds its engine (TensorRT)."
    ),
    core: bool = typer.Option(
        False, "--core", help="A quarter of the layers: for TensorRT, which builds an engine for each."
    ),
    seconds: float = typer.Option(0.4, min=0.01, help="Seconds for one probe."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Time single layers and whole networks on this device, and write what latency is predicted from.

    Leave the device alone meanwhile, in the power mode that it will have. It needs neither torch nor onnx.
    """
    if precision not in ("fp32", "fp16"):
        raise InputError(f"--precision {precision} is not known; choose fp32 or fp16")
    console = Console(json_output=json_output)
    with open_probes() as probes, tempfile.TemporaryDirectory() as folder:
        load = _loader(runtime, threads=threads, precision=precision, cache=Path(folder))
        _refuse_other_precision(load, probes, precision)
        found = _measure(probes, load, core=core, seconds=seconds, console=console)
        first = found[0]
        engine = load(probes.model(first.files[0]), first.hw)
        description = Description(
            name=name or out.stem,
            description=f"{_machine_name()}, {engine.name}, {_thread_text(threads)}",
            precision=engine.precision,
            machine=_machine(engine, threads=threads),
        )
        fitted = fit_profile(found[1], found[2], description, overhead_ms=found[3])
    write_profile(fitted, out)
    _tell(console, fitted, out)


def _refuse_other_precision(load: Load, probes: ProbeFile, precision: str) -> None:
    probe = probes.index.probes[0]
    engine = load(probes.model(probe.files[0]), probe.hw)
    if engine.precision != precision:
        raise InputError(
            f"{engine.name} computes the probes in {engine.precision}, not in {precision}; "
            "leave --precision out, or run where TensorRT builds the engine"
        )


def _loader(runtime: str, *, threads: Optional[int], precision: str, cache: Path) -> Load:
    def load(model: bytes, hw: Tuple[int, int]) -> Engine:
        network = Network(model, where="a probe model", input_hw=hw, target_precision=precision)
        return open_best(
            network, runtime=runtime, threads=threads, cache=cache, prove=lambda engine: 0.0, wait=True
        )

    return load


def _measure(
    probes: ProbeFile, load: Load, *, core: bool, seconds: float, console: Console
) -> Tuple[Any, Any, Any, float]:
    chosen = [probe for probe in probes.index.probes if probe.is_core or not core]
    networks = [network for network in probes.index.networks if network.is_core or not core]
    smallest = min(chosen, key=lambda probe: probe.hw[0] * probe.block[0].macs)
    with console.progress(len(chosen) + len(networks), "profile") as advance:
        overhead = overhead_ms(probes, load, smallest, budget_s=seconds)
        layers = measure_probes(probes, load, chosen, budget_s=seconds, on_done=advance)
        budget_s = NETWORK_BUDGET_FACTOR * seconds
        wholes = measure_networks(probes, load, networks, budget_s=budget_s, on_done=advance)
    return smallest, layers, wholes, overhead


def _tell(console: Console, fitted: DeviceProfile, out: Path) -> None:
    console.say(
        f"{out}: {fitted.description}; whole networks are predicted within {fitted.relative_error:.0%} "
        "(median, each left out of the fit in turn)"
    )
    console.say(f"Use it: inspector latency BUNDLE --device {out}, or in a recipe limits: {{device: {out}}}")
    console.result(
        {
            "profile": str(out),
            "name": fitted.name,
            "precision": fitted.precision,
            "relative_error": fitted.relative_error,
            "machine": fitted.machine,
        }
    )


def _machine(engine: Engine, *, threads: Optional[int]) -> Dict[str, Any]:
    device = this_device()
    return {
        "processor": _machine_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "runtime": engine.name,
        "onnxruntime": device.onnxruntime_version,
        "tensorrt": device.tensorrt_version,
        "gpu": device.gpu,
        "power_mode": device.power_mode,
        "measured": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "inspector": __version__,
    }


def _machine_name() -> str:
    for path, key in (("/proc/device-tree/model", ""), ("/proc/cpuinfo", "model name")):
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        lines = [line for line in text.replace("\x00", "").splitlines() if line.startswith(key)]
        if lines:
            return lines[0].split(":")[-1].strip()
    return platform.machine()


def _thread_text(threads: Optional[int]) -> str:
    return "all threads" if threads is None else f"{threads} thread{'s' if threads > 1 else ''}"
