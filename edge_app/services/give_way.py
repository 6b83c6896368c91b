"""Work that must not slow live inspection: at low priority, and only while no photo waits."""

import os
import threading
import time
from contextlib import suppress
from typing import Callable

NICENESS = 10
PAUSE_S = 0.01
LONGEST_PAUSE_S = 1.0


def lower_priority() -> None:
    """Give this thread, and threads that it starts, a low priority; nothing where the system has none."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class GiveWay:
    """Call it between two pieces of work: it waits while photos wait, and says whether to go on.

    On a line that is never idle it goes on after a second all the same, one piece at a time.
    """

    def __init__(
        self, num_waiting: Callable[[], int], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._num_waiting, self._sleep = num_waiting, sleep
        self._cancelled = threading.Event()

    def __call__(self) -> bool:
        """Return False once `cancel` was called."""
        waited_s = 0.0
        while self._num_waiting() > 0 and waited_s < LONGEST_PAUSE_S and not self._cancelled.is_set():
            self._sleep(PAUSE_S)
            waited_s += PAUSE_S
        return not self._cancelled.is_set()

    def cancel(self) -> None:
        """Let the work end before its next piece."""
        self._cancelled.set()
