"""Which runtime executes a network on this machine."""

from typing import Optional, Sequence, Tuple

from inspector.errors import InputError, RuntimeUnavailableError
from inspector.runtime.engine import Engine, OpenEngine
from inspector.runtime.onnxruntime import open_onnxruntime_cpu

# Fastest first; the first one that is installed is used.
ENGINES: Sequence[OpenEngine] = (open_onnxruntime_cpu,)


def open_engine(
    model: bytes, *, where: str, input_hw: Tuple[int, int], threads: Optional[int] = None
) -> Engine:
    """Load the ONNX file `model`, called `where` in messages, into the best runtime that is installed.

    Args:
        threads: How many threads work on one image, at least 1; None leaves the choice to the runtime.

    Raises:
        RuntimeUnavailableError: no runtime is installed; the message has the command that installs one.
        BundleError: the runtime cannot load the model.
        InputError: `threads` is below 1.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}, but at least 1 is needed")
    missing = RuntimeUnavailableError("no runtime is known to this program")
    for load in ENGINES:
        try:
            return load(model, where=where, input_hw=input_hw, threads=threads)
        except RuntimeUnavailableError as error:
            missing = error
    raise missing
