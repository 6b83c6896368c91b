"""What decoding and storing take by themselves, with nothing else at work."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edge_app.services.prepared import prepare
from edge_app.services.result import ModelVersion, Origin, Photo
from edge_app.services.result_of import judged
from edge_app.services.shot import Shot, new_id
from edge_app.store.store import Store
from inspector.bundle import Bundle
from inspector.image_file import decode_frame
from inspector.runtime import Runner


def decoding_ms(photo: bytes, bundle: Bundle, *, rounds: int) -> float:
    """Return the median time to decode a photo, shrink it and measure its quality."""
    return _median_ms(lambda: prepare(decode_frame(photo), input_hw=bundle.manifest.input_hw), rounds=rounds)


def storing_ms(photo: bytes, bundle: Bundle, runner: Runner, *, rounds: int) -> float:
    """Return the median time until a result with its photo and map is on disk: policy `all`, FULL."""
    prepared = prepare(decode_frame(photo), input_hw=bundle.manifest.input_hw)
    result = judged(
        runner.inspect(prepared.small),
        prepared=prepared,
        shot=Shot(Photo(data=photo), Origin(), lambda: decode_frame(photo)),
        model=ModelVersion(bundle.digest, "untrained", "1"),
        thresholds=bundle.thresholds,
        threshold_version=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))

        def add() -> None:
            receipt = store.add(replace(result, id=new_id())).result()
            assert receipt.kept_files, receipt.reason

        try:
            return _median_ms(add, rounds=rounds)
        finally:
            store.close()


def bare_ms(runner: Runner, photo: bytes, *, rounds: int) -> list[float]:
    """Return the times of the bare runner on the decoded photo."""
    frame = decode_frame(photo)
    return _times_ms(lambda: runner.inspect(frame), rounds=rounds)


def model_memory_mb(bundle: Path, *, threads: int) -> float:
    """Return by how much a process grows that loads the bundle and runs it, and does nothing else."""
    code = f"""
import os, numpy, onnxruntime
from pathlib import Path
from inspector.bundle import Bundle
from inspector.runtime import Runner
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before = rss()
runner = Runner.open(Bundle.open(Path({str(bundle)!r})), threads={threads})
for _ in range(3):
    runner.inspect(runner.bundle.golden_frames[0].frame)
print(rss() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _median_ms(work: Callable[[], object], *, rounds: int) -> float:
    return statistics.median(_times_ms(work, rounds=rounds))


def _times_ms(work: Callable[[], object], *, rounds: int) -> list[float]:
    took_ms = []
    for _ in range(rounds):
        start_s = time.perf_counter()
        work()
        took_ms.append((time.perf_counter() - start_s) * 1000)
    return took_ms
