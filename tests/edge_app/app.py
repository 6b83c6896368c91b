"""The app without a port: a model that is a function, and a client that sends requests straight into it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import cv2
import httpx
import numpy as np
from fastapi import FastAPI

from edge_app.main import create_app
from edge_app.parts import Parts, open_parts
from edge_app.services.model_status import HostStatus
from edge_app.services.serving import LoadedModel, ModelCard, OneModel
from edge_app.settings import Settings
from edge_app.store.state_folder import StateFolder
from inspector.postprocess import Thresholds
from inspector.runtime.engine import RuntimeStatus

MAP_HW = (32, 48)
OWN = Thresholds(fail=0.5, review=0.25, min_area_px=4)
T = TypeVar("T")


class BrightnessModel:
    """Score is brightness: 0 for black, 1 for white."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = before

    def score(self, frame: np.ndarray) -> np.ndarray:
        self._before()
        return score_of(frame)


def score_of(frame: np.ndarray) -> np.ndarray:
    small = cv2.resize(frame, (MAP_HW[1], MAP_HW[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=2) / 255, dtype=np.float32)


CARD = ModelCard(
    name="bright",
    version="3",
    created="2026-11-24T08:00:00Z",
    input_hw=MAP_HW,
    thresholds=OWN,
    runner="fake",
    num_parameters=7,
    self_test_difference=0.0,
    examples=(b"first", b"second"),
)


def photo_frame(*, defect: int = 255, scale: int = 10) -> np.ndarray:
    """A dark frame of 320 x 480 pixels with one square of brightness `defect`."""
    frame = np.full((MAP_HW[0] * scale, MAP_HW[1] * scale, 3), 20, np.uint8)
    frame[8 * scale : 20 * scale, 12 * scale : 28 * scale] = defect
    return frame


def encoded(frame: np.ndarray, suffix: str = ".png") -> bytes:
    return bytes(cv2.imencode(suffix, frame)[1].tobytes())


class Client:
    """Sends requests straight into an app; several can be in flight with `together`."""

    def __init__(self, app: FastAPI, *, base_url: str = "http://127.0.0.1:8080") -> None:
        self.app = app
        self._base_url = base_url

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(
        self, content: bytes | AsyncIterator[bytes], *, media_type: str = "image/png", **options: Any
    ) -> httpx.Response:
        headers = {"content-type": media_type, **options.pop("headers", {})}
        return self.request("POST", "/api/v1/inspections", content=content, headers=headers, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send(client: httpx.AsyncClient) -> httpx.Response:
            return await client.request(method, path, **options)

        return self.together(send)

    def together(self, talk: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await talk(client)

        return asyncio.run(run())


class OneModelHost(OneModel):
    """A host as `open_parts` takes it."""

    model = None

    def status(self) -> HostStatus:
        return HostStatus("serving", "", "d1", None, None, None, "", RuntimeStatus("fake", "fp32"))

    def close(self) -> None:
        pass


def parts_of(folder: Path, model: BrightnessModel | None = None, **settings: Any) -> Parts:
    """Open all parts in `folder` around a model that is a function."""
    host: Any = OneModelHost(LoadedModel(model or BrightnessModel(), CARD))
    return open_parts(Settings(state=folder, **settings), folder=StateFolder(folder), models=host)


def client_of(model: BrightnessModel | None = None, **settings: Any) -> Client:
    """Return a client of an app whose parts and folder go when the client does."""
    folder = Path(tempfile.mkdtemp(prefix="inspector-app-"))
    parts = parts_of(folder, model, **settings)
    client = Client(create_app(parts))
    weakref.finalize(client, _remove, parts, folder)
    return client


def _remove(parts: Parts, folder: Path) -> None:
    parts.close()
    shutil.rmtree(folder)
