"""glibc's heap, kept from growing: few arenas, and what is free between blocks goes back every few seconds.

Frames of a megabyte and small things that stay lie side by side on the heap, so that it never shrinks by
itself: over ten minutes at full load it grew by 18 %. To map each frame by itself would keep it small too,
and doubles what decoding a photo costs: every page is then made anew.
"""

import ctypes
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Optional

MAX_ARENAS = 2
TRIM_S = 5.0
_M_ARENA_MAX = -8  # malloc.h


@contextmanager
def bounded_heap(*, every_s: float = TRIM_S) -> Iterator[None]:
    """Keep this process's heap small for as long as the context lasts; without glibc nothing is done."""
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_M_ARENA_MAX, MAX_ARENAS)  # else each thread would keep a frame's memory
    is_over = threading.Event()
    thread = threading.Thread(target=_trim, args=(library, is_over, every_s), name="heap", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _trim(library: Any, is_over: threading.Event, every_s: float) -> None:
    while not is_over.wait(every_s):
        library.malloc_trim(0)


def _glibc() -> Optional[Any]:
    try:
        library = ctypes.CDLL(None)
        return library if library.mallopt and library.malloc_trim else None
    except (OSError, AttributeError):
        return None
