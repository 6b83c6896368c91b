"""Settings come from the command line, then the environment; an open address needs a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.settings import read_settings
from inspector.errors import InputError


def test_the_defaults_serve_this_machine_only() -> None:
    settings = read_settings(host=None, port=None)
    assert (settings.host, settings.port, settings.needs_key) == ("127.0.0.1", 8080, False)


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_PORT", "9000")
    monkeypatch.setenv("INSPECTOR_QUEUE_SIZE", "7")
    settings = read_settings(port=9001)
    assert (settings.port, settings.queue_size) == (9001, 7)


def test_the_state_folder_is_the_users_own_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("INSPECTOR_STATE", raising=False)
    assert read_settings().state == tmp_path / ".local" / "state" / "visual-inspector"
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert read_settings().state == Path("/var/state/visual-inspector")
    monkeypatch.setenv("INSPECTOR_STATE", "/srv/line7")
    assert read_settings().state == Path("/srv/line7")
    assert read_settings(state=tmp_path).state == tmp_path


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_loopback_needs_no_key_unless_it_is_asked_for(host: str) -> None:
    assert not read_settings(host=host).needs_key
    assert read_settings(host=host, require_key=True).needs_key


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "line7.factory", ""])
def test_any_other_address_needs_a_key(host: str) -> None:
    assert read_settings(host=host).needs_key


@pytest.mark.parametrize(
    ("name", "value"), [("port", 70_000), ("port", -1), ("queue_size", 0), ("max_body_mb", 0)]
)
def test_a_value_out_of_range_is_named(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"setting {name} = {value} is not valid"):
        read_settings(**{name: value})


def test_a_bad_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_KEEP_RESULTS", "many")
    with pytest.raises(InputError, match="setting keep_results = 'many' is not valid"):
        read_settings()


def test_a_list_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_ALLOWED_HOSTS", "line7.local")
    with pytest.raises(InputError, match=r"allowed_hosts.*lists are written as JSON"):
        read_settings()
    monkeypatch.setenv("INSPECTOR_ALLOWED_HOSTS", '["line7.local"]')
    assert read_settings().allowed_hosts == ("line7.local",)
