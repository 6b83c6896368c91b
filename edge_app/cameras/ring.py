"""Three frames in shared memory: one process writes, another copies the newest one out.

The memory has no name (memfd), so nothing is left behind whoever dies, and Python's resource tracker, which
removes a block that another process still uses, has no part in it. Each slot is guarded by a POSIX record
lock, which the kernel gives back when its process dies: no frame is read while it is written, and a killed
writer blocks nobody. A slot whose number is 0 is being written, or its writer died over it.
"""

import fcntl
import os
import struct
from contextlib import contextmanager
from typing import Iterator, Optional, Tuple

import numpy as np

from edge_app.cameras.facts import FrameFacts

NUM_SLOTS = 3
SLOT_BYTES = 1 << 30  # of address space: only pages that were written take memory
MAX_FRAME_BYTES = SLOT_BYTES - 4096
_HEADER = struct.Struct("<QdqIIIdd")
_PIXELS_AT = 4096  # pixels begin on a page of their own


class Ring:
    """One end of the ring, over the file descriptor of its memory."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def create(cls) -> "Ring":
        """Make the memory; the other process gets `descriptor`."""
        return cls(os.memfd_create("camera-ring"))

    def close(self) -> None:
        """Give the memory back; it is freed when the other process has gone, too."""
        os.close(self.descriptor)

    def write(self, frame: np.ndarray, facts: FrameFacts) -> None:
        """Put a frame, uint8 (H, W, 3) contiguous, over the oldest one that nobody is reading.

        Only one thread of one process may write.
        """
        oldest_first = sorted(range(NUM_SLOTS), key=lambda slot: self._facts(slot).seq)
        for slot in oldest_first:
            with self._locked(slot) as is_mine:
                if is_mine:
                    self._write_slot(slot, frame, facts)
                    return

    def read(self, after_seq: int) -> Optional[Tuple[np.ndarray, FrameFacts]]:
        """Return a copy of the newest frame whose number is above `after_seq`, and its facts, or None.

        Only one thread of one process may read at a time.
        """
        newest_first = sorted(range(NUM_SLOTS), key=lambda slot: -self._facts(slot).seq)
        for slot in newest_first:
            with self._locked(slot) as is_mine:
                facts = self._facts(slot)
                if not is_mine or not facts.seq:
                    continue
                if facts.seq <= after_seq:
                    return None
                frame = np.empty((facts.height, facts.width, 3), np.uint8)
                self._read_all(frame, slot * SLOT_BYTES + _PIXELS_AT)
                return frame, facts
        return None

    def _write_slot(self, slot: int, frame: np.ndarray, facts: FrameFacts) -> None:
        start = slot * SLOT_BYTES
        os.pwrite(self.descriptor, bytes(_HEADER.size), start)
        self._write_all(frame.data.cast("B"), start + _PIXELS_AT)
        os.pwrite(
            self.descriptor,
            _HEADER.pack(
                facts.seq,
                facts.captured_s,
                facts.captured_ms,
                facts.height,
                facts.width,
                facts.fingerprint,
                facts.darkest,
                facts.lightest,
            ),
            start,
        )

    def _facts(self, slot: int) -> FrameFacts:
        header = os.pread(self.descriptor, _HEADER.size, slot * SLOT_BYTES)
        return FrameFacts(*_HEADER.unpack(header.ljust(_HEADER.size, b"\0")))

    def _write_all(self, view: memoryview, at: int) -> None:
        while view:
            written = os.pwrite(self.descriptor, view, at)
            view, at = view[written:], at + written

    def _read_all(self, frame: np.ndarray, at: int) -> None:
        view = frame.data.cast("B")
        while view:
            count = os.preadv(self.descriptor, [view], at)
            if not count:
                raise OSError(f"the ring ends {len(view)} bytes before the end of a frame")
            view, at = view[count:], at + count

    @contextmanager
    def _locked(self, slot: int) -> Iterator[bool]:
        """Lock a slot against the other process, for as long as the block runs, if it is free."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot, os.SEEK_SET)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, slot, os.SEEK_SET)
