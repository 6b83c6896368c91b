"""Builds an engine in a process of its own: a build that runs out of memory does not take the server along.

`python -m inspector.runtime.engine_build REQUEST.json` leaves the engine in the folder of the request, or
says on stderr why it could not. It ends when its parent does.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict

import numpy as np

from inspector.errors import BundleError, InspectorError
from inspector.output_file import write_file
from inspector.runtime.engine import Network
from inspector.runtime.onnxruntime import open_onnxruntime_tensorrt
from inspector.runtime.tensorrt import build_plan

TIMEOUT_S = 3600.0
_MODEL, _REQUEST = ".model.onnx", ".request.json"
_POLL_S = 0.2
_NICENESS = 10


def build_in_subprocess(
    network: Network, backend: str, folder: Path, *, is_stopped: Callable[[], bool] = lambda: False
) -> None:
    """Build the engine of `backend` and leave its files in `folder`.

    Raises:
        BundleError: the build failed, was killed, took longer than an hour, or `is_stopped` said so.
        StorageError: `folder` cannot be written.
    """
    model, request = folder / _MODEL, folder / _REQUEST
    write_file(model, network.model)
    write_file(request, json.dumps(_as_request(network, backend)).encode("utf-8"))
    _run(request, network, backend=backend, is_stopped=is_stopped)
    model.unlink()
    request.unlink()


def environment_of(network: Network) -> Dict[str, str]:
    """Return the environment to build in: an FP32 engine is not rounded to TF32, ten bits from Ampere on.

    onnxruntime has no option for that in TensorRT (microsoft/onnxruntime#26029).
    """
    if network.target_precision != "fp32":
        return dict(os.environ)
    return {**os.environ, "NVIDIA_TF32_OVERRIDE": "0"}


def _as_request(network: Network, backend: str) -> Dict[str, object]:
    return {
        "backend": backend,
        "where": network.where,
        "input_hw": list(network.input_hw),
        "precision": network.precision,
        "target_precision": network.target_precision,
    }


def _run(request: Path, network: Network, *, backend: str, is_stopped: Callable[[], bool]) -> None:
    where = network.where
    command = [sys.executable, "-m", "inspector.runtime.engine_build", str(request)]
    deadline_s = time.monotonic() + TIMEOUT_S
    process = subprocess.Popen(
        command, env=environment_of(network), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = bytearray()
    assert process.stderr is not None
    reader = threading.Thread(target=_collect, args=(process.stderr, said), daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            if is_stopped():
                raise BundleError(f"the build of the {backend} engine for {where} was stopped")
            if time.monotonic() > deadline_s:
                raise BundleError(f"the build of the {backend} engine for {where} took longer than an hour")
            time.sleep(_POLL_S)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        process.stderr.close()
    if process.returncode != 0:
        raise BundleError(_why(bytes(said), process.returncode, where=where, backend=backend))


def _collect(stream: object, said: bytearray) -> None:
    for line in stream:  # type: ignore[attr-defined]
        said += line
        del said[:-4000]


def _why(said: bytes, status: int, *, where: str, backend: str) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    reason = lines[-1][:500] if lines else "it said nothing"
    if status < 0:
        reason = f"it was killed by signal {-status}, mostly for lack of memory: add 4 GB of swap"
    return f"the {backend} engine for {where} could not be built: {reason}"


def main(request: Path) -> int:
    """Build what `request` asks for; return the exit status."""
    _end_with_parent()
    os.nice(_NICENESS)
    asked = json.loads(request.read_text())
    height, width = asked["input_hw"]
    network = Network(
        model=(request.parent / _MODEL).read_bytes(),
        where=asked["where"],
        input_hw=(height, width),
        precision=asked["precision"],
        target_precision=asked["target_precision"],
    )
    try:
        BUILDERS[asked["backend"]](network, request.parent)
    except InspectorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _build_by_onnxruntime(network: Network, folder: Path) -> None:
    """onnxruntime builds and caches the engine when the session first runs."""
    engine = open_onnxruntime_tensorrt(network, threads=None, cache=folder)
    engine.infer(np.zeros((1, 3, *network.input_hw), np.float32))
    if not any(folder.glob("*.engine")):  # CUDA computes it all then, under TensorRT's name
        raise BundleError(f"TensorRT took no part of the network of {network.where}")


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


BUILDERS: Dict[str, Callable[[Network, Path], None]] = {
    "tensorrt": build_plan,
    "onnxruntime-tensorrt": _build_by_onnxruntime,
}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
