"""settings.json: checked as a whole, written whole, in force at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_app.preferences import Preferences, PreferencesError, PreferencesFile
from inspector.errors import InputError, StorageError


def test_without_a_file_the_defaults_hold_and_nothing_is_written(tmp_path: Path) -> None:
    file = PreferencesFile(tmp_path / "settings.json")
    assert file.current == Preferences()
    assert file.current.storage.policy.photos == "all"
    assert list(tmp_path.iterdir()) == []


def test_what_was_replaced_is_heard_of_and_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    file = PreferencesFile(path)
    heard: list[Preferences] = []
    file.listen(heard.append)
    mqtt = {"kind": "mqtt", "name": "mes", "host": "broker.local"}
    changed = file.replace({"storage": {"photos": "non_pass", "max_gb": 2.5}, "destinations": [mqtt]})
    assert changed == ()
    assert file.current.storage.policy.max_bytes == 2_500_000_000
    assert heard == [file.current] == [PreferencesFile(path).current]
    assert file.current.destinations[0].name == "mes"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_device_id_waits_for_a_restart(tmp_path: Path) -> None:
    assert PreferencesFile(tmp_path / "settings.json").replace({"device_id": "line-7"}) == ("device_id",)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"strage": {}}, r"strage is not known; did you mean storage\?"),
        ({"storage": {"photo": "all"}}, r"storage.photo is not known; did you mean photos\?"),
        ({"xyz": 1}, "xyz is not known; there are destinations, device_id"),
        ({"storage": {"photos": "some"}}, "storage.photos is not valid"),
        ({"storage": {"max_age_days": 0}}, "storage.max_age_days is not valid: .* greater than 0"),
        ({"destinations": [{"kind": "mqtt", "name": "a"}]}, "destinations.0.mqtt.host is not valid"),
        (
            {"destinations": [{"kind": "mqtt", "name": "a", "host": "h"}] * 2},
            "two destinations are called 'a'",
        ),
    ],
)
def test_what_is_not_valid_is_named_and_changes_nothing(
    tmp_path: Path, raw: dict[str, Any], sentence: str
) -> None:
    file = PreferencesFile(tmp_path / "settings.json")
    before = file.current
    with pytest.raises(PreferencesError, match=sentence):
        file.replace(raw)
    assert file.current is before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        (json.dumps({"storage": {"sample_every": 0}}), "settings.json: storage.sample_every is not valid"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(PreferencesError, match=f"{sentence}.*remove"):
        PreferencesFile(path)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*settings\.json"):
        PreferencesFile(path)


def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    file = PreferencesFile(tmp_path / "settings.json")
    file._path = folder / "settings.json"
    before, held = file.current, []
    file.listen(held.append)
    with pytest.raises(StorageError, match="cannot write"):
        file.replace({"device_id": "other"})
    assert file.current is before
    assert [preferences.device_id for preferences in held] == ["other", before.device_id]


def test_what_cannot_hold_on_this_device_is_not_written(tmp_path: Path) -> None:
    def refuse(preferences: Preferences) -> None:
        if preferences.destinations:
            raise InputError("pymodbus is missing")

    file = PreferencesFile(tmp_path / "settings.json")
    file.listen(refuse)
    with pytest.raises(InputError, match="pymodbus is missing"):
        file.replace({"destinations": [{"kind": "mqtt", "name": "a", "host": "h"}]})
    assert file.current == Preferences()
    assert list(tmp_path.iterdir()) == []
