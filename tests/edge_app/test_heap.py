"""Memory that frames took goes back to the system, whatever small blocks lie between them."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from edge_app.heap import MAX_ARENAS
from tests.edge_app.serving import ROOT, serving

RESERVED_BYTES = 64 * 2**20

# Frames and small things that stay, in turn; then the frames go. Prints megabytes that are kept after that.
PROGRAM = """
import os, sys, time
from contextlib import nullcontext
import numpy as np
from edge_app.heap import bounded_heap

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

large = np.ones(20_000_000, np.uint8)  # when this goes, glibc moves its threshold up
del large
before = resident_mb()
frames, small = [], []
for _ in range(100):
    frames.append(np.ones(1_000_000, np.uint8))
    small.append(np.ones(3_000, np.uint8))
with bounded_heap(every_s=0.01) if sys.argv[1] == "bounded" else nullcontext():
    del frames
    end_s = time.monotonic() + 20
    while resident_mb() - before > 10 and sys.argv[1] == "bounded" and time.monotonic() < end_s:
        time.sleep(0.01)
    print(resident_mb() - before)
"""

# A model's blocks and small things that stay, in turn; then the model goes, and nobody trims the heap.
MODEL = """
import os, sys
from contextlib import nullcontext
import numpy as np
from edge_app.heap import bounded_heap, mapped_blocks

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

with bounded_heap(every_s=1000):
    before = resident_mb()
    blocks, small = [], []
    with mapped_blocks() if sys.argv[1] == "mapped" else nullcontext():
        for _ in range(600):
            blocks.append(np.ones(100_000, np.uint8))
            small.append(np.ones(300, np.uint8))
    del blocks
    print(resident_mb() - before)
    os._exit(0)  # the trimming thread sleeps
"""


def kept_mb(how: str, *, program: str = PROGRAM) -> float:
    command = [sys.executable, "-u", "-c", program, how]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_frames_that_went_are_not_kept() -> None:
    """It once kept them: 18 % more memory after ten minutes at full load."""
    assert kept_mb("bounded") < 10
    assert kept_mb("left alone") > 50  # so that the test sees what it is for


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_model_that_went_leaves_no_holes() -> None:
    """Models that were swapped every 20 s once took 10 % more memory after four minutes."""
    assert kept_mb("mapped", program=MODEL) < 10
    assert kept_mb("left alone", program=MODEL) > 50


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_the_threads_of_a_server_share_their_heaps() -> None:
    """The limit once came after the threads, each with a heap of its own: eight, with frames in all."""
    with serving(None) as served:
        assert 0 < num_thread_heaps(served.process.pid) < MAX_ARENAS


def num_thread_heaps(pid: int) -> int:
    """Count the 64 MB that glibc reserves for a heap of its own; the first heap is another kind."""
    found, begin, end = 0, -1, -1
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, access = line.split()[:2]
        low, high = (int(number, 16) for number in span.split("-"))
        if access == "rw-p" and low % RESERVED_BYTES == 0:
            begin, end = low, high
        found += access == "---p" and low == end and high == begin + RESERVED_BYTES
    return found
