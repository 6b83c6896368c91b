"""Whatever OpenAPI allows or forbids: no 5xx, only described statuses and answers of the described shape."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode, checks
from starlette.types import Receive, Scope, Send

from edge_app.cameras.line import Line
from edge_app.outbox.outbox import Outbox
from tests.edge_app.routes.device import BAD, GOOD, Device, device
from tests.edge_app.routes.test_openapi import OPERATIONS

NUM_EXAMPLES = 6
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
TOO_LARGE = (413, 414)  # a refusal, too, though schemathesis does not know it as one
MODES = [
    (method, path, mode)
    for (method, path), operation in sorted(OPERATIONS.items())
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or operation.get("parameters") or "requestBody" in operation
]

schemathesis.serializer.alias("application/zip", "application/octet-stream")


class FromThisMachine:
    """Calls the app as a program on this machine does; Starlette's test client has no address."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # every request has one; the app's own would close the device
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        if scope["type"] == "http":
            headers = [pair for pair in scope["headers"] if pair[0] != b"host"]
            headers.append((b"host", b"127.0.0.1"))
            scope = {**scope, "client": ("127.0.0.1", 5), "headers": headers}
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    """Nothing that is configured here may reach for the network."""

    def refuse(host: object, *_: object, **__: object) -> None:
        raise socket.gaierror(f"{host!r} is not looked up in this test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Outbox, "configure", lambda self, destinations: None)
        patch.setattr(Line, "start", lambda self: None)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Device]:
    with device(tmp_path_factory.mktemp("device")) as opened:
        for photo in (BAD, GOOD):
            opened.inspect(photo, lot="A")
        yield opened


@pytest.fixture(scope="module")
def described(filled: Device) -> Any:
    app = FromThisMachine(filled.client.app)
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


@pytest.mark.parametrize(("method", "path", "mode"), MODES)
def test_every_answer_is_described(
    described: Any, filled: Device, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[path][method]
    known = {
        "inspection_id": filled.get("inspections").json()["items"][0]["id"],
        "digest": filled.digest,
        "number": 0,
    }

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=NUM_EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def holds(case: Any) -> None:
        answer = case.call()
        refused = [] if answer.status_code in TOO_LARGE else [checks.negative_data_rejection]
        case.validate_response(answer, checks=CHECKS + refused)
        changed = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        if changed != case.path_parameters and mode is GenerationMode.POSITIVE:
            case.path_parameters = changed
            case.call_and_validate(checks=CHECKS)

    holds()
