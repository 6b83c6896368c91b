"""What docs/messaging.md says can be done as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from edge_app.outbox.message import RESULT, message_of, result_body
from edge_app.outbox.secret_files import Secret
from edge_app.outbox.settings import read_destinations
from edge_app.outbox.signature import SigningKey
from edge_app.services.result import Outcome
from tests.edge_app.outbox.parts import DEVICE, result

PAGE = Path(__file__).resolve().parents[3] / "docs" / "messaging.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_destinations_of_the_page_are_valid() -> None:
    shown = [json.loads(block) for block in blocks("json") if block.startswith("[")]
    kinds = [[one.kind for one in read_destinations(destinations)] for destinations in shown]
    assert kinds == [["mqtt"], ["mqtt", "webhook", "modbus"]]


def test_the_message_of_the_page_has_the_fields_of_a_message() -> None:
    shown = json.loads(blocks("json")[0])
    body = result_body(result(0, Outcome.FAIL, shadow=None))
    real = json.loads(message_of(device_id=DEVICE, row_id=1, kind=RESULT, body=body).body)
    assert _names(shown) == _names(real)


@pytest.mark.parametrize(
    ("late_s", "added", "genuine"), [(0, b"", True), (299, b"", True), (301, b"", False), (0, b" ", False)]
)
def test_the_check_of_the_page_tells_genuine_from_changed_and_old(
    late_s: int, added: bytes, genuine: bool
) -> None:
    (source,) = blocks("python")
    scope: dict[str, Any] = {}
    exec(source, scope)
    headers = SigningKey(Secret(SECRET)).headers("a:1", timestamp_s=1_000_000, body=b"{}")
    scope["time"] = _Clock(1_000_000 + late_s)
    assert scope["is_genuine"](SECRET, headers, b"{}" + added) is genuine


class _Clock:
    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def time(self) -> float:
        return self._now_s


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_names(inner) for inner in value[:1]]
    return None
