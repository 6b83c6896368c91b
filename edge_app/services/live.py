"""Shows results to viewers as they come; a slow viewer misses some, and nobody waits for it.

Each viewer has a slot for one update: a newer one replaces it. Pictures are drawn in a thread of their own,
once for all viewers, and only while somebody wants pictures.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Set, Tuple

from edge_app.services.drawing import draw_overlay, shrunk
from edge_app.services.result import Result
from inspector.render import encode_jpeg

logger = logging.getLogger(__name__)

MAX_SIDE_PX = 1024
JPEG_QUALITY = 80
MIN_INTERVAL_S = 0.05  # at most 20 pictures a second
MAX_TO_DRAW = 32  # sources that wait for their picture; a client may call each of its photos another source


@dataclass(frozen=True)
class LiveUpdate:
    """One result for a viewer; for a viewer of pictures with its overlay as JPEG.

    num_skipped: results that this viewer has missed since its last update.
    """

    result: Result
    picture: Optional[bytes] = None
    num_skipped: int = 0


class Viewer:
    """One viewer's slot. Made by `LiveHub.watch`; `next` is for the event loop that called it."""

    def __init__(self, *, source: Optional[str], pictures: bool, leave: Callable[["Viewer"], None]) -> None:
        self.source = source
        self.wants_pictures = pictures
        self._leave = leave
        self._lock = threading.Lock()
        self._slot: Optional[LiveUpdate] = None
        self._num_skipped = 0
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(self)

    def wants(self, result: Result) -> bool:
        """Whether the viewer looks at where this result comes from."""
        return self.source is None or self.source == result.origin.source

    def put(self, update: LiveUpdate) -> None:
        """Replace what is in the slot; from any thread."""
        with self._lock:
            if self._slot is not None:
                self._num_skipped += 1
            self._slot = update
        self._notify()

    def close(self) -> None:
        """Let `next` return None from now on."""
        self._is_closed = True
        self._notify()

    async def next(self) -> Optional[LiveUpdate]:
        """Return the newest update, waiting for one; None when the server is stopping."""
        while not self._is_closed:
            self._wake.clear()
            with self._lock:
                update, self._slot = self._slot, None
                num_skipped = self._num_skipped
                if update is not None:
                    self._num_skipped = 0
            if update is not None:
                return LiveUpdate(update.result, update.picture, num_skipped)
            await self._wake.wait()
        return None

    def _notify(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the viewer's loop has ended
            self._is_closed = True


class LiveHub:
    """Hands every result to who watches. `publish` returns at once, whoever watches."""

    def __init__(
        self,
        *,
        draw: Optional[Callable[[Result], bytes]] = None,
        min_interval_s: float = MIN_INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._draw = overlay_of if draw is None else draw
        self._min_interval_s = min_interval_s
        self._clock = clock
        self._changed = threading.Condition()
        self._viewers: Set[Viewer] = set()
        self._to_draw: Dict[str, Result] = {}  # the newest result of each source
        self._drawn_s: Dict[str, float] = {}
        self._is_closed = False
        self._thread: Optional[threading.Thread] = None

    @property
    def num_viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def watch(self, *, source: Optional[str] = None, pictures: bool = False) -> Viewer:
        """Return a viewer of one source, or of all: `with hub.watch() as viewer: await viewer.next()`.

        With `pictures` it gets updates with a picture only, at most 20 a second and source; without, all
        results that it has time for.
        """
        viewer = Viewer(source=source, pictures=pictures, leave=self._remove)
        with self._changed:
            self._viewers.add(viewer)
            if self._is_closed:
                viewer.close()
            if pictures and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._draw_all, name="live", daemon=True)
                self._thread.start()
        return viewer

    def publish(self, result: Result) -> None:
        """Show a result to who watches its source."""
        if not self._viewers:
            return
        with self._changed:
            watching = tuple(viewer for viewer in self._viewers if viewer.wants(result))
            if any(viewer.wants_pictures for viewer in watching):
                self._to_draw[result.origin.source] = result
                if len(self._to_draw) > MAX_TO_DRAW:
                    del self._to_draw[next(iter(self._to_draw))]
                self._changed.notify()
        update = LiveUpdate(result)
        for viewer in watching:
            if not viewer.wants_pictures:
                viewer.put(update)

    def close(self) -> None:
        """Send all viewers away and stop drawing."""
        with self._changed:
            self._is_closed = True
            viewers = tuple(self._viewers)
            self._changed.notify()
        for viewer in viewers:
            viewer.close()
        if self._thread is not None:
            self._thread.join()

    def _remove(self, viewer: Viewer) -> None:
        with self._changed:
            self._viewers.discard(viewer)

    def _draw_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._to_draw) or self._is_closed)
                if self._is_closed:
                    return
                due_s, source = min((self._due_s(source), source) for source in self._to_draw)
                wait_s = due_s - self._clock()
                if wait_s > 0:
                    self._changed.wait(wait_s)  # or until a source that is due comes in
                    continue
                result = self._to_draw.pop(source)
                self._note_drawn(source)
                watching = tuple(
                    viewer for viewer in self._viewers if viewer.wants_pictures and viewer.wants(result)
                )
            if watching:
                self._show(result, watching)
            del result, watching

    def _note_drawn(self, source: str) -> None:
        """Remember when, and forget the sources that are due whenever they come."""
        now_s = self._clock()
        self._drawn_s = {name: at_s for name, at_s in self._drawn_s.items() if self._due_s(name) > now_s}
        self._drawn_s[source] = now_s

    def _due_s(self, source: str) -> float:
        return self._drawn_s.get(source, float("-inf")) + self._min_interval_s

    def _show(self, result: Result, watching: Tuple[Viewer, ...]) -> None:
        try:
            update = LiveUpdate(result, self._draw(result))
        except Exception:
            logger.exception("the live picture of result %s could not be drawn", result.id)
            return
        for viewer in watching:
            viewer.put(update)


def overlay_of(result: Result) -> bytes:
    """Return the photo as JPEG, shrunk, with defect map and verdict; plain where nothing was decided."""
    frame = shrunk(result.photo.for_picture(max_side_px=MAX_SIDE_PX), max_side_px=MAX_SIDE_PX)
    if result.score is None or result.judgement is None:
        return encode_jpeg(frame, quality=JPEG_QUALITY)
    return draw_overlay(frame, result.score, result.judgement, result.layout, quality=JPEG_QUALITY)
