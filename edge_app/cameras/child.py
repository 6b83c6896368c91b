"""The process of one camera: opens it, and puts each frame into the ring. `python -m edge_app.cameras.child`.

Arguments: the file descriptors of the ring and of the pipe for events. The first line of stdin is the
request; stdin stays open as long as the server lives, and its end ends this process and all it started.
Events are lines: `opening`, `opened FPS`, `frame` with the facts, `ended`, `error TEXT`.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import astuple
from typing import Callable, Dict

from edge_app.cameras.facts import measured
from edge_app.cameras.ring import MAX_FRAME_BYTES, Ring
from edge_app.cameras.source import Source, SourceError, SourceRequest


def main() -> int:
    """Run the camera until it fails, its recording ends or the server goes."""
    ring, events = Ring(int(sys.argv[1])), int(sys.argv[2])
    request = SourceRequest.of_json(sys.stdin.readline())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    try:
        open_source = _opener(request.kind)
        _say(events, "opening")
        source = open_source(request)
        _say(events, f"opened {source.fps or 0:g}")
        _play(source, request, ring, events)
    except SourceError as error:
        _say(events, f"error {error}")
        return 1
    _say(events, "ended")
    return 0


def _opener(kind: str) -> Callable[[SourceRequest], Source]:
    """Import what this kind of source needs, and nothing else."""
    import cv2

    cv2.setNumThreads(1)
    if kind in ("v4l2", "rtsp"):
        from edge_app.cameras import opencv

        return opencv.open_v4l2 if kind == "v4l2" else opencv.open_rtsp
    if kind in ("csi", "test"):
        from edge_app.cameras.gstreamer import PipeSource

        return PipeSource
    if kind == "mjpeg":
        from edge_app.cameras.mjpeg import MjpegSource

        return MjpegSource
    from edge_app.cameras import replay

    openers: Dict[str, Callable[[SourceRequest], Source]] = {
        "video": replay.open_video,
        "folder": replay.open_folder,
    }
    return openers[kind]


def _play(source: Source, request: SourceRequest, ring: Ring, events: int) -> None:
    seq = request.first_seq
    while True:
        read = source.read()
        if read is None:
            return
        frame, captured_s = read
        if frame.nbytes > MAX_FRAME_BYTES:
            raise SourceError(f"a frame of {frame.shape[1]}x{frame.shape[0]} px is too large")
        captured_s -= request.delay_ms / 1000
        age_s = time.monotonic() - captured_s
        facts = measured(
            frame, seq=seq, captured_s=captured_s, captured_ms=round((time.time() - age_s) * 1000)
        )
        ring.write(frame, facts)
        _say(events, "frame " + " ".join(map(repr, astuple(facts))))
        seq += 1


def _say(events: int, text: str) -> None:
    """Tell the server, unless it is so far behind that its pipe is full; the ring has the newest frame."""
    with contextlib.suppress(BlockingIOError):
        os.write(events, text.replace("\n", " ").encode()[:2000] + b"\n")


def _end_with_the_server() -> None:
    while sys.stdin.readline():
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
