"""A server on the tiny bundle with one folder-replay camera: what the tests of the pages look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx

from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import part, write_tiny_bundle

CAMERA = {"name": "ring", "address": "folder:ring", "fps": 5, "lot": "L1"}
NUM_FRAMES, NUM_DEFECTS = 6, 2


@dataclass(frozen=True)
class Line:
    served: Served
    folder: Path

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def recordings(self) -> Path:
        return self.folder / "state" / "recordings"

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = httpx.request(method, f"{self.url}/api/v1/{path}", timeout=20, **options)
        assert answer.is_success, answer.text
        return answer

    def get(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def inspect(self, photo: bytes, **query: Any) -> Any:
        headers = {"content-type": "image/png"}
        return self.ask("POST", "inspections", params=query, content=photo, headers=headers).json()

    def stall(self) -> None:
        """Take the camera's pictures away."""
        shutil.move(str(self.recordings / "ring"), str(self.folder / "away"))

    def go_on(self) -> None:
        shutil.move(str(self.folder / "away"), str(self.recordings / "ring"))


def png(seed: int, *, defect: bool, scale: int = 4) -> bytes:
    return bytes(cv2.imencode(".png", part(seed, defect=defect, scale=scale)[0])[1].tobytes())


@contextmanager
def running_line(folder: Path, *arguments: str, with_camera: bool = True) -> Iterator[Line]:
    """Start the server in `folder`; its camera replays four good parts and two bad ones."""
    replayed = folder / "state" / "recordings" / "ring"
    replayed.mkdir(parents=True)
    for number in range(NUM_FRAMES):
        content = png(number, defect=number >= NUM_FRAMES - NUM_DEFECTS)
        (replayed / f"{number}.png").write_bytes(content)
    bundle = write_tiny_bundle(folder / "tiny.bundle")
    with serving(bundle, *arguments, state=folder / "state") as served:
        line = Line(served, folder)
        if with_camera:
            line.ask("POST", "cameras", json=CAMERA)
        yield line
