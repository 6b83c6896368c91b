"""No secret reaches the log: not in a message, not in its arguments, not in a traceback."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from edge_app.access import log_guard
from edge_app.access.log_guard import MAX_ALIKE, FloodFilter, guard_logs
from edge_app.access.redaction import redact

SECRET = "hunter2-Zq9"
KEY = "vi_" + "aB3-" * 10


@pytest.mark.parametrize(
    "text",
    [
        f"cannot open rtsp://op:{SECRET}@10.0.0.7:554/live?x=1",
        f"cannot open rtsp://op:{SECRET}@@10.0.0.7/live",
        f"RTSP://{SECRET}@cam/",
        f"http://a:{SECRET}@b/ and http://c:{SECRET}@d/",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}==",
        f"headers [(b'authorization', b'Bearer {SECRET}')]",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"Cookie: inspector_session={SECRET}; other={SECRET}",
        f"(b'cookie', b'inspector_session={SECRET}')",
        f"set-cookie: inspector_session={SECRET}; HttpOnly",
        f"password={SECRET}&user=x",
        f'{{"password": "{SECRET}"}}',
        f"api_key: {SECRET}",
        f"token={SECRET}",
        f"whsec_{SECRET}",
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    assert SECRET not in redact(text)
    assert "***" in redact(text)


def test_keys_are_hidden() -> None:
    assert redact(f"key {KEY} refused") == "key vi_*** refused"


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/inspections/ab12 failed",
        "http://10.0.0.7:8080/live is not reachable; write to admin@plant.example",
        "the bundle has 16 golden tensors",
        "rtsp://cam:554/live",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redact(text) == text


def test_redaction_takes_time_in_proportion_to_the_text() -> None:
    for piece in ("a.", "rtsp://", "://", "authorization: ", "token=", "vi_", "Bearer "):
        assert len(redact(piece * 20_000)) > 0


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    logger = logging.getLogger("tests.redaction")
    logger.propagate = False
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    guard_logs(["tests.redaction"])
    guard_logs(["tests.redaction"])  # once is enough, twice is no harm
    yield logger, stream
    logger.handlers.clear()


def test_messages_arguments_and_tracebacks_are_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    child = logger.getChild("camera")
    child.warning("cannot open %s", f"rtsp://op:{SECRET}@cam/live")
    try:
        raise OSError(f"no route to rtsp://op:{SECRET}@cam/live")
    except OSError:
        child.exception("camera failed", stack_info=True)
    assert SECRET not in stream.getvalue()
    assert "cannot open rtsp://***@cam/live" in stream.getvalue()
    assert "OSError: no route to rtsp://***@cam/live" in stream.getvalue()


def test_handlers_of_the_root_logger_are_found() -> None:
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        guard_logs()
        assert handler.filters
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_flood_of_one_message_is_cut_short_and_others_pass() -> None:
    now_s = [0.0]
    flood = FloodFilter(clock=lambda: now_s[0])

    def passes(message: str, *arguments: object) -> str | None:
        record = logging.LogRecord("x", logging.WARNING, "f", 1, message, arguments, None)
        return record.getMessage() if flood.filter(record) else None

    seen = [passes("bad request %d", number) for number in range(MAX_ALIKE + 7)]
    assert seen == [f"bad request {number}" for number in range(MAX_ALIKE)] + [None] * 7
    assert passes("something else") == "something else"
    now_s[0] = log_guard.WINDOW_S
    assert passes("bad request %d", 1) == "bad request 1 (7 more like this were left out)"
    assert passes("bad request %d", 2) == "bad request 2"
