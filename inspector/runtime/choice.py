"""Which runtime executes a network on this machine: what is there, in the order of speed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from inspector.errors import BundleError, InputError, RuntimeUnavailableError
from inspector.runtime import onnxruntime, tensorrt
from inspector.runtime.cudart import open_cuda
from inspector.runtime.engine import Engine, Network, OpenEngine

OPENERS: Dict[str, OpenEngine] = {
    "onnxruntime-tensorrt": onnxruntime.open_onnxruntime_tensorrt,
    "tensorrt": tensorrt.open_tensorrt,
    "onnxruntime-cuda": onnxruntime.open_onnxruntime_cuda,
    "onnxruntime-cpu": onnxruntime.open_onnxruntime_cpu,
}
BUILT_HERE = ("onnxruntime-tensorrt", "tensorrt")  # take minutes at the first start, so they are cached
_GROUPS = {
    "auto": tuple(OPENERS),
    "tensorrt": BUILT_HERE,
    "cuda": ("onnxruntime-cuda",),
    "cpu": ("onnxruntime-cpu",),
}
CHOICES = tuple(_GROUPS)


@dataclass(frozen=True)
class Installed:
    """What this machine has: onnxruntime's providers, the module tensorrt, a CUDA runtime."""

    providers: Sequence[str]
    tensorrt: bool
    cuda: bool


def installed() -> Installed:
    """Ask this machine."""
    return Installed(
        providers=onnxruntime.available_providers(),
        tensorrt=bool(tensorrt.version()),
        cuda=open_cuda() is not None,
    )


def candidates(found: Installed, *, runtime: str = "auto") -> List[str]:
    """Return the runtimes to try, the best first.

    Raises:
        InputError: `runtime` is none of `CHOICES`.
        RuntimeUnavailableError: nothing that was asked for is installed.
    """
    if runtime not in _GROUPS:
        raise InputError(f"runtime {runtime!r} is not known; choose {', '.join(CHOICES)}")
    is_there = {
        "onnxruntime-tensorrt": onnxruntime.TENSORRT in found.providers and found.cuda,
        "tensorrt": found.tensorrt and found.cuda,
        "onnxruntime-cuda": onnxruntime.CUDA in found.providers and found.cuda,
        "onnxruntime-cpu": onnxruntime.CPU in found.providers,
    }
    names = [name for name in _GROUPS[runtime] if is_there[name]]
    if not names:
        what = "no runtime" if runtime == "auto" else f"no {runtime} runtime"
        raise RuntimeUnavailableError(
            f"{what} is installed on this machine; run: {onnxruntime.INSTALL_COMMAND}"
        )
    return names


def open_engine(
    model: bytes,
    *,
    where: str,
    input_hw: Tuple[int, int],
    threads: Optional[int] = None,
    precision: str = "fp32",
) -> Engine:
    """Load the ONNX file `model`, which is no bundle yet, on the CPU; `precision` is that of its arithmetic.

    Raises:
        RuntimeUnavailableError: onnxruntime is not installed; the message has the command that installs it.
        BundleError: it cannot load the model.
        InputError: `threads` is below 1.
    """
    network = Network(model, where=where, input_hw=input_hw, precision=precision, target_precision=precision)
    return open_first(["onnxruntime-cpu"], network, threads=threads, cache=Path())


def open_first(names: Sequence[str], network: Network, *, threads: Optional[int], cache: Path) -> Engine:
    """Load `network` into the first of the runtimes `names` that can.

    Raises:
        RuntimeUnavailableError: none of them starts.
        BundleError: one that starts cannot load the model, and nothing after it either.
        InputError: `threads` is below 1.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}, but at least 1 is needed")
    problem: Exception = RuntimeUnavailableError(f"no runtime is left that could execute {network.where}")
    for name in names:
        try:
            return OPENERS[name](network, threads=threads, cache=cache)
        except (RuntimeUnavailableError, BundleError) as error:
            problem = error
    raise problem
