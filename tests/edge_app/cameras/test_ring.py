"""The ring between two processes: no frame is torn, the newest wins, a killed writer blocks nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_app.cameras.facts import FrameFacts
from edge_app.cameras.ring import NUM_SLOTS, Ring

WRITER = """
import sys, numpy as np
from edge_app.cameras.facts import FrameFacts
from edge_app.cameras.ring import Ring
ring, last = Ring(int(sys.argv[1])), int(sys.argv[2])
for seq in range(1, last + 1):
    height = 200 + seq % 7
    facts = FrameFacts(seq, seq / 10, seq, height, 300, seq, 0.0, 1.0)
    ring.write(np.full((height, 300, 3), seq % 251, np.uint8), facts)
    if seq == 1:
        print("begun", flush=True)
"""


def facts(seq: int, height: int = 4, width: int = 5) -> FrameFacts:
    return FrameFacts(seq, seq * 0.5, seq * 1000, height, width, 0xFFFFFFFF, 1.5, 254.5)


def frame(value: int) -> np.ndarray:
    return np.full((4, 5, 3), value, np.uint8)


def writer(ring: Ring, last: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(ring.descriptor), str(last)],
        pass_fds=(ring.descriptor,),
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_the_newest_frame_comes_out_whole_with_its_facts_once() -> None:
    ring = Ring.create()
    assert ring.read(0) is None
    for seq in range(1, NUM_SLOTS + 3):
        ring.write(frame(seq), facts(seq))
    read = ring.read(0)
    assert read is not None
    assert read[1] == facts(NUM_SLOTS + 2)
    np.testing.assert_array_equal(read[0], frame(NUM_SLOTS + 2))
    assert ring.read(NUM_SLOTS + 2) is None
    ring.close()


def test_what_was_read_is_a_copy() -> None:
    ring = Ring.create()
    ring.write(frame(1), facts(1))
    read = ring.read(0)
    assert read is not None
    for seq in range(2, 9):
        ring.write(frame(seq), facts(seq))
    np.testing.assert_array_equal(read[0], frame(1))
    ring.close()


def test_no_frame_is_torn_while_another_process_writes_as_fast_as_it_can() -> None:
    ring = Ring.create()
    process = writer(ring, 3000)
    seen = [0]
    while process.poll() is None or seen[-1] < 3000:
        read = ring.read(seen[-1])
        if read is None:
            continue
        pixels, known = read
        assert pixels.shape == (200 + known.seq % 7, 300, 3)
        assert (pixels == known.seq % 251).all()
        assert known.seq > seen[-1]
        seen.append(known.seq)
    assert len(seen) > 10
    assert process.stdout is not None
    process.stdout.close()
    ring.close()


@pytest.mark.parametrize("round_", range(3))
def test_a_writer_killed_in_the_middle_blocks_nobody(round_: int) -> None:
    ring = Ring.create()
    process = writer(ring, 10**9)
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    read = ring.read(0)
    assert read is not None
    pixels, known = read
    assert (pixels == known.seq % 251).all()
    ring.write(frame(1), facts(known.seq + 1))  # every lock was given back
    again = ring.read(known.seq)
    assert again is not None
    assert again[1].seq == known.seq + 1
    ring.close()


def test_the_memory_has_no_name() -> None:
    ring = Ring.create()
    ring.write(frame(1), facts(1))
    assert str(Path(f"/proc/self/fd/{ring.descriptor}").readlink()).startswith("/memfd:camera-ring (deleted)")
    ring.close()
