"""A whole device without a port: real store, models, cameras and outbox around the tiny bundle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from edge_app.main import create_app
from edge_app.parts import Parts, open_parts
from edge_app.services.result import Outcome, Result
from edge_app.settings import Settings
from edge_app.startup import start_models
from edge_app.store.state_folder import StateFolder
from tests.edge_app.app import Client, encoded
from tests.tiny_bundle import part, write_tiny_bundle

API = "/api/v1"
GOOD = encoded(part(1, defect=False, scale=4)[0])
BAD = encoded(part(2, defect=True, scale=4)[0])


@dataclass(frozen=True)
class Device:
    client: Client
    parts: Parts
    folder: Path

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(f"{API}/{path}", **options)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.client.request(method, f"{API}/{path}", **options)

    def inspect(self, photo: bytes = BAD, **query: Any) -> dict[str, Any]:
        answer = self.client.post(photo, params=query)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def add(self, *results: Result) -> None:
        """Put results into the store as they are."""
        for future in [self.parts.store.add(result) for result in results]:
            assert future.result(10).stored

    @property
    def digest(self) -> str:
        model = self.parts.models.model
        assert model is not None
        return model.version.digest


@contextmanager
def device(folder: Path, **settings: Any) -> Iterator[Device]:
    """Open a device in `folder`."""
    bundle = write_tiny_bundle(folder / "tiny.bundle")
    state = folder / "state"
    models = start_models(state / "models", bundle, threads=1)
    parts = open_parts(Settings(state=state, **settings), folder=StateFolder(state), models=models)
    try:
        yield Device(Client(create_app(parts)), parts, folder)
    finally:
        parts.close()


def sentence_of(answer: httpx.Response, status: int) -> str:
    """Return the sentence of an error and check that it is one."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body) == ["detail"]
    return str(body["detail"])


OUTCOMES = [Outcome.PASS, Outcome.REVIEW, Outcome.FAIL, Outcome.NO_DECISION]
