"""glibc's heap, kept from growing: few arenas, and what is free between blocks goes back every two seconds.

Frames of a megabyte and small things that stay lie side by side on the heap, so that it never shrinks by
itself: over ten minutes at full load it grew by 18 %. To map each frame by itself would keep it small too,
and makes decoding a photo half as long again: every page is then made anew.

So frames stay on the heap, and the blocks of a model do not: they lie there for hours, and left holes between
frames at every swap. glibc by itself comes to put both on the heap.
"""

import ctypes
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Optional

MAX_ARENAS = 2
TRIM_S = 2.0
LARGEST_ON_HEAP = 32 * 2**20  # the most that glibc takes
LARGEST_OF_MODEL_ON_HEAP = 64 * 2**10
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h


@contextmanager
def bounded_heap(*, every_s: float = TRIM_S) -> Iterator[None]:
    """Keep this process's heap small for as long as the context lasts; without glibc nothing is done."""
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_M_ARENA_MAX, MAX_ARENAS)  # else each thread would keep a frame's memory
    library.mallopt(_M_MMAP_THRESHOLD, LARGEST_ON_HEAP)
    library.mallopt(_M_TRIM_THRESHOLD, 2 * LARGEST_ON_HEAP)  # else each frame would move the heap's end
    is_over = threading.Event()
    thread = threading.Thread(target=_trim, args=(library, is_over, every_s), name="heap", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def mapped_blocks() -> Iterator[None]:
    """Have large blocks mapped one by one, while a model is loaded: they go back whole when it is let go of.

    What others allocate meanwhile is mapped too, which costs them a little time and nothing else.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_M_MMAP_THRESHOLD, LARGEST_OF_MODEL_ON_HEAP)
    try:
        yield
    finally:
        library.mallopt(_M_MMAP_THRESHOLD, LARGEST_ON_HEAP)


def _trim(library: Any, is_over: threading.Event, every_s: float) -> None:
    while not is_over.wait(every_s):
        library.malloc_trim(0)


def _glibc() -> Optional[Any]:
    try:
        library = ctypes.CDLL(None)
        return library if library.mallopt and library.malloc_trim else None
    except (OSError, AttributeError):
        return None
