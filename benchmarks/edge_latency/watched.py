"""A camera that is inspected all the time, without viewers and with ten of them, in turn."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge_latency.served import Server

NAME, FPS = "line", 30
NUM_VIEWERS = 10
NUM_FILES = 8
NUM_TURNS = 3


@dataclass(frozen=True)
class Watched:
    """viewers_cost: share of the inspections that ten viewers cost. Ages are those when inference begins."""

    camera_per_s: float
    camera_per_s_watched: float
    viewers_cost: float
    pictures_per_s_and_viewer: float
    frame_age_ms_p50: float
    frame_age_ms_max: float


def camera_with_and_without_viewers(server: Server, state: Path, photo: bytes, *, seconds: float) -> Watched:
    """Replay a folder of photos as a camera and count its inspections."""
    recording = state / "recordings" / "parts"
    recording.mkdir(parents=True)
    for number in range(NUM_FILES):
        (recording / f"{number}.jpg").write_bytes(photo)
    camera = {"name": NAME, "address": "folder:parts", "fps": FPS, "frozen_s": None}
    server.ask("POST", "/api/v1/cameras", camera)
    try:
        _wait_for_inspections(server)
        alone, watched, pictures = [], [], []
        for _ in range(NUM_TURNS):
            alone.append(_inspections_per_s(server, seconds=seconds))
            with closing(_Viewers(server)) as viewers:
                watched.append(_inspections_per_s(server, seconds=seconds))
            pictures.append(viewers.num_pictures / seconds / NUM_VIEWERS)
        ages_ms = _ages_ms(server)
    finally:
        server.ask("DELETE", f"/api/v1/cameras/{NAME}")
    return Watched(
        camera_per_s=statistics.median(alone),
        camera_per_s_watched=statistics.median(watched),
        viewers_cost=1
        - statistics.median(with_them / without for with_them, without in zip(watched, alone, strict=True)),
        pictures_per_s_and_viewer=statistics.median(pictures),
        frame_age_ms_p50=statistics.median(ages_ms),
        frame_age_ms_max=max(ages_ms),
    )


class _Viewers:
    """Ten browsers that show the live picture."""

    def __init__(self, server: Server) -> None:
        self.num_pictures = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(server,), daemon=True) for _ in range(NUM_VIEWERS)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, server: Server) -> None:
        with closing(server.connect()) as connection:
            connection.request("GET", f"/api/v1/cameras/{NAME}/stream.mjpg")
            answer = connection.getresponse()
            if answer.status != 200:
                raise RuntimeError(f"the live picture answered {answer.status}")
            while not self._is_over.is_set():
                found = answer.read1(65536).count(b"\xff\xd8\xff")
                with self._lock:
                    self.num_pictures += found


def _inspections_per_s(server: Server, *, seconds: float) -> float:
    before, start_s = _num_inspected(server), time.perf_counter()
    time.sleep(seconds)
    return (_num_inspected(server) - before) / (time.perf_counter() - start_s)


def _num_inspected(server: Server) -> int:
    return int(server.ask("GET", f"/api/v1/cameras/{NAME}")["station"]["num_inspected"])


def _wait_for_inspections(server: Server) -> None:
    before, end_s = _num_inspected(server), time.monotonic() + 20
    while _num_inspected(server) < before + 5:
        if time.monotonic() > end_s:
            raise RuntimeError(f"the camera gives nothing: {server.ask('GET', '/api/v1/cameras')}")
        time.sleep(0.1)


def _ages_ms(server: Server) -> list[float]:
    page = server.ask("GET", f"/api/v1/inspections?source={NAME}&limit=500")
    return [item["origin"]["frame_age_ms"] for item in page["items"]]
