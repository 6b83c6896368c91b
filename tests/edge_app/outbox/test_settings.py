"""Destinations as settings.json has them, and secrets that stay secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.settings import (
    GateSettings,
    MqttSettings,
    TlsSettings,
    WebhookSettings,
    read_destinations,
)
from edge_app.outbox.tls import tls_context
from edge_app.services.result import Outcome
from inspector.errors import InputError


def test_kinds_are_told_apart_and_have_defaults() -> None:
    mqtt, webhook, gate = read_destinations(
        [
            {"kind": "mqtt", "name": "plant", "host": "broker.local"},
            {"kind": "webhook", "name": "mes", "url": "https://mes.local/hook", "outcomes": ["FAIL"]},
            {"kind": "modbus", "name": "gate", "host": "10.0.0.9", "coil": 3},
        ]
    )
    assert isinstance(mqtt, MqttSettings)
    assert (mqtt.port, mqtt.topic) == (1883, "inspector/{device}/results")
    assert isinstance(webhook, WebhookSettings)
    assert webhook.outcomes == (Outcome.FAIL,)
    assert isinstance(gate, GateSettings)
    assert gate.reject == (Outcome.FAIL, Outcome.REVIEW, Outcome.NO_DECISION)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"topic": "a/#"}, "topic"),
        ({"topic": "a/+/b"}, "topic"),
        ({"topic": "$SYS/a"}, "topic"),
        ({"topic": "a/{line}"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"port": 0}, "port"),
        ({"host": "a b"}, "host"),
        ({"name": "a/b"}, "name"),
        ({"password": "../keys.json"}, "password"),
        ({"max_waiting": 3}, "max_waiting"),
        ({"retries": 3}, "retries"),
        ({"kind": "kafka"}, "kafka"),
    ],
)
def test_a_wrong_value_is_refused_by_name(change: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_destinations([{"kind": "mqtt", "name": "plant", "host": "broker", **change}])


@pytest.mark.parametrize(
    "url",
    ["ftp://mes/x", "https://user:hunter2@mes/hook", "https://hunter2@mes", "https:///x", "mes.local/hook"],
)
def test_a_web_address_is_http_without_a_login_and_the_error_does_not_repeat_it(url: str) -> None:
    with pytest.raises(InputError, match="login") as caught:
        read_destinations([{"kind": "webhook", "name": "mes", "url": url}])
    assert "hunter2" not in str(caught.value)


def test_what_is_shown_of_a_web_address_is_its_host() -> None:
    settings = WebhookSettings(name="mes", url="https://hooks.local:8443/T0/B1/tOkEn?key=1")
    assert settings.shown == "https://hooks.local:8443"


def test_two_destinations_cannot_share_a_name() -> None:
    one = {"kind": "mqtt", "name": "plant", "host": "broker"}
    with pytest.raises(InputError, match="two destinations are called 'plant'"):
        read_destinations([one, {**one, "host": "other"}])


def test_a_secret_is_read_by_name_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plant-broker").write_text("hunter2\n")
    secrets = SecretFiles(tmp_path)
    secret = secrets.text("plant-broker")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret!r} {secret}"
    monkeypatch.setenv("INSPECTOR_SECRET_PLANT_BROKER", "other")
    assert secrets.text("plant-broker").reveal() == "other"


@pytest.mark.parametrize("name", ["../keys.json", "/etc/passwd", "a/b", "..", ".hidden", ""])
def test_the_name_of_a_secret_never_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(InputError, match="secret name"):
        SecretFiles(folder).text(name)


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"put it into the file .*plant"):
        SecretFiles(tmp_path).text("plant")


def test_a_certificate_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(InputError, match=r"\['ca.pem'\] are not usable"):
        tls_context(TlsSettings(ca="ca.pem"), SecretFiles(tmp_path))
