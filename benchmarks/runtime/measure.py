"""One network in one runtime, in a process of its own.

`python -m benchmarks.runtime.measure RUNTIME FILE THREADS ROUNDS SIDE`. The last line is a JSON object:
median milliseconds by the clock and of the processors, and the megabytes by which loading and running
raised the peak of the process.
"""

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

TORCH, COMPILED, ONNXRUNTIME = "torch", "torch.compile", "onnxruntime"
Run = Callable[[np.ndarray], object]


def main() -> None:
    runtime, file, threads, rounds, side = sys.argv[1:]
    prepare = onnxruntime_run if runtime == ONNXRUNTIME else torch_run
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler
        before_mb, run = prepare(Path(file), int(threads), compiled=runtime == COMPILED)
        image = np.random.default_rng(0).random((1, 3, int(side), int(side)), dtype=np.float32)
        start_s = time.perf_counter()
        run(image)
        first_s = time.perf_counter() - start_s
        times = [_timed_ms(run, image) for _ in range(int(rounds))]
    wall_ms, cpu_ms = (statistics.median(column) for column in zip(*times, strict=True))
    memory_mb = _peak_mb() - before_mb
    answer = {"ms": wall_ms, "cpu_ms": cpu_ms, "first_s": first_s, "memory_mb": memory_mb}
    print(json.dumps(answer))


def torch_run(weights: Path, threads: int, *, compiled: bool) -> tuple[float, Run]:
    """Return the peak so far and what runs the PyTorch network saved in `weights`."""
    import torch

    from benchmarks.runtime.networks import load_network

    torch.set_num_threads(threads)
    before_mb = _peak_mb()
    net = load_network(weights).to(memory_format=torch.channels_last)
    forward = torch.compile(net.score) if compiled else net.score

    def run(image: np.ndarray) -> object:
        with torch.inference_mode():
            return forward(torch.from_numpy(image).to(memory_format=torch.channels_last))

    return before_mb, run


def onnxruntime_run(model: Path, threads: int, *, compiled: bool = False) -> tuple[float, Run]:
    """Return the peak so far and what runs the ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    before_mb = _peak_mb()
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return before_mb, lambda image: session.run(["score"], {"image": image})


def _timed_ms(run: Run, image: np.ndarray) -> tuple[float, float]:
    """Return the milliseconds by the clock and those of all processors."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    run(image)
    return (time.perf_counter() - wall_s) * 1000, (time.process_time() - cpu_s) * 1000


def _peak_mb() -> float:
    """The peak of this process; that of getrusage begins with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000


if __name__ == "__main__":
    main()
