"""The newest frame of one camera, copied out of the ring only when somebody asks for it."""

import threading
from collections import deque
from typing import Deque, Optional

from edge_app.cameras.facts import FrameFacts
from edge_app.cameras.health import Repetition, fault_of, repetition
from edge_app.cameras.ring import Ring
from edge_app.cameras.watch import frame_rate
from edge_app.services.camera import Frame, FrameFault

RATE_OVER_FRAMES = 60


class NewestFrame:
    """Where the supervising thread says what has come, and everybody else reads. Safe between threads."""

    def __init__(self, *, frozen_s: Optional[float]) -> None:
        self._frozen_s = frozen_s
        self._changed = threading.Condition()
        self._facts: Optional[FrameFacts] = None
        self._run: Optional[Repetition] = None
        self._stamps: Deque[float] = deque(maxlen=RATE_OVER_FRAMES)
        self._num_frames = 0
        self._reading = threading.Lock()  # one reader of the ring at a time
        self._ring: Optional[Ring] = None
        self._copied: Optional[Frame] = None

    @property
    def facts(self) -> Optional[FrameFacts]:
        """What is known of the newest frame."""
        return self._facts

    @property
    def num_frames(self) -> int:
        """How many frames have come."""
        return self._num_frames

    @property
    def next_seq(self) -> int:
        """A number that no frame has had, whatever a process wrote that could not report it any more."""
        with self._reading, self._changed:
            seen = self._facts.seq if self._facts is not None else 0
            return max(seen, self._copied.seq if self._copied is not None else 0) + 1

    def fps(self, now_s: float) -> float:
        """Return frames a second, lately."""
        with self._changed:
            return frame_rate(self._stamps, now_s=now_s)

    def read_from(self, ring: Optional[Ring]) -> None:
        """Read from another ring, that of the next process; the one before is given back."""
        with self._reading:
            before, self._ring = self._ring, ring
            if before is not None:
                before.close()
        with self._changed:
            self._stamps.clear()

    def came(self, facts: FrameFacts) -> None:
        """Say that a frame has come."""
        with self._changed:
            self._facts, self._run = facts, repetition(self._run, facts)
            self._stamps.append(facts.captured_s)
            self._num_frames += 1
            self._changed.notify_all()

    def latest(self) -> Optional[Frame]:
        """Return the newest frame, also when no more come; its age is the caller's business."""
        with self._reading:
            read = None if self._ring is None else self._ring.read(self._copied.seq if self._copied else 0)
            if read is not None:
                frame, facts = read
                frame.flags.writeable = False
                self._copied = Frame(frame, facts.seq, facts.captured_s, facts.captured_ms, self.fault(facts))
            return self._copied

    def wait_for_newer(self, after_seq: int, timeout_s: float) -> bool:
        """Wait until a frame with a higher number has come; False after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest_seq() > after_seq, timeout_s)
            return self._newest_seq() > after_seq

    def _newest_seq(self) -> int:
        return 0 if self._facts is None else self._facts.seq

    def wait_next(self, after_seq: int, timeout_s: float) -> Optional[Frame]:
        """Return the newest frame with a higher number, or None after `timeout_s`."""
        self.wait_for_newer(after_seq, timeout_s)
        newest = self.latest()
        return newest if newest is not None and newest.seq > after_seq else None

    def fault(self, facts: FrameFacts) -> Optional[FrameFault]:
        """Judge a frame; one that was read may be newer than the last that was said to have come."""
        with self._changed:
            is_new = self._facts is None or self._run is None or facts.seq > self._facts.seq
            run = repetition(self._run, facts) if is_new or self._run is None else self._run
        return fault_of(facts, run, frozen_s=self._frozen_s)
