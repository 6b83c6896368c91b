"""One camera's process as the server holds it: spawned, listened to, ended whatever it does."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

import edge_app
from edge_app.cameras.ring import Ring
from edge_app.cameras.source import SourceRequest

TERM_S = 0.9  # with the 2 s of silence before it, a stalled camera is gone within 3 s
KILL_S = 1.0
KEPT_STDERR_BYTES = 4000
# TCP: a lost UDP packet smears the picture. No frame threads: each would hold a frame back. Only these
# protocols: a server that redirects cannot make FFmpeg open a file.
ENVIRONMENT = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": (
        "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay|thread_type;slice"
        "|protocol_whitelist;rtsp,rtsps,rtp,tcp,tls,crypto"
    ),
    "OPENCV_LOG_LEVEL": "ERROR",
    "OMP_NUM_THREADS": "1",
}
_SPEAKER = re.compile(r"^\[\w+ @ 0x\w+\] ")  # FFmpeg's `[rtsp @ 0x55e863a50980]`
_PACKAGE_ROOT = str(Path(edge_app.__file__).resolve().parent.parent)


class CameraProcess:
    """A running `edge_app.cameras.child`; one thread uses it.

    It leads a session of its own, so that whatever it starts ends with it.
    """

    def __init__(self, request: SourceRequest, ring: Ring) -> None:
        events_here, events_there = os.pipe()
        os.set_blocking(events_here, False)
        os.set_blocking(events_there, False)
        self._events = events_here
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge_app.cameras.child", str(ring.descriptor), str(events_there)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(ring.descriptor, events_there),
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        except OSError:
            os.close(events_here)
            raise
        finally:
            os.close(events_there)
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        self._waiting = b""
        self._stderr = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(events_here, selectors.EVENT_READ)
        self._selector.register(self._process.stderr, selectors.EVENT_READ)
        with contextlib.suppress(BrokenPipeError):  # it died at once; the end of its events says so
            self._process.stdin.write(request.to_json().encode() + b"\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def events(self, timeout_s: float, wake: int) -> Optional[List[str]]:
        """Wait for events, so long or until `wake` can be read; None when the process closed its end."""
        self._selector.register(wake, selectors.EVENT_READ)
        try:
            ready = {key.fd for key, _ in self._selector.select(timeout_s)}
        finally:
            self._selector.unregister(wake)
        self._keep_stderr()
        if self._events not in ready:
            return []
        data = os.read(self._events, 1 << 16)
        if not data:
            return None
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def last_words(self) -> str:
        """Return the last line that the process, or a library in it, wrote to stderr."""
        self._keep_stderr()
        lines = [line.strip() for line in self._stderr.decode(errors="replace").splitlines() if line.strip()]
        return _SPEAKER.sub("", lines[-1])[:300] if lines else ""

    def end(self) -> bool:
        """End the process and all it started: SIGTERM, a second later SIGKILL.

        Returns:
            False when it is still there, hanging in the kernel; `is_gone` then tells when it is not any more.
        """
        self._signal(signal.SIGTERM)
        if not self._waited(TERM_S):
            self._signal(signal.SIGKILL)
            if not self._waited(KILL_S):
                return False
        return True

    def is_gone(self) -> bool:
        """Whether the process has ended and was waited for; never blocks."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Give back the pipes."""
        self._selector.close()
        os.close(self._events)
        for pipe in (self._process.stdin, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # a request that it never read
                pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:  # not waited for: the number is still its own, or its zombie's
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _waited(self, timeout_s: float) -> bool:
        """Wait for the end, then make sure of those it started, before its number is given to others."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self._signal(signal.SIGKILL)
                self._process.wait()
                return True
            time.sleep(0.01)
        return False

    def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        try:
            data = os.read(self._process.stderr.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data and self._process.stderr in self._selector.get_map():
            self._selector.unregister(self._process.stderr)
        self._stderr = (self._stderr + data)[-KEPT_STDERR_BYTES:]


def _environment() -> Dict[str, str]:
    path = os.pathsep.join(filter(None, (_PACKAGE_ROOT, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
