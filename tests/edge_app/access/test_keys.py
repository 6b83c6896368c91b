"""Keys are random, stored hashed, readable by their owner only, and what is revoked is refused at once."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hmac import compare_digest
from pathlib import Path

import pytest

from edge_app.access import keys as keys_module
from edge_app.access.first_key import FILE_NAME, announce_first_key
from edge_app.access.keys import KeyFileError, Keys
from edge_app.access.principals import Principal, Role
from inspector.errors import StorageError


def test_a_key_is_found_and_stands_for_its_name_and_role(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    secret = keys.add("line7", Role.OPERATOR)
    found = keys.find(secret)
    assert found is not None
    assert found.principal == Principal("line7", Role.OPERATOR)
    assert keys.get(found.id) == found


def test_the_file_is_private_and_does_not_hold_the_secret(tmp_path: Path) -> None:
    secret = Keys(tmp_path).add("line7", Role.VIEWER)
    path = tmp_path / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in path.read_text()
    assert len(secret) == len("vi_") + 43  # 256 bits in base 64


def test_two_keys_share_neither_secret_nor_salt(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    assert keys.add("a", Role.VIEWER) != keys.add("b", Role.VIEWER)
    first, second = keys.list()
    assert (first.salt, first.digest, first.id) != (second.salt, second.digest, second.id)
    assert first.salt != second.salt


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.swapcase(), lambda s: ""]
)
def test_anything_but_the_secret_is_not_found(change: Callable[[str], str], tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    secret = keys.add("a", Role.VIEWER)
    assert keys.find(change(secret)) is None


def test_every_key_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path)
    secrets = [keys.add(name, Role.VIEWER) for name in ("a", "b", "c")]
    compared: list[str] = []

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return compare_digest(one, other)

    monkeypatch.setattr("hmac.compare_digest", compare)
    for secret in (secrets[0], "vi_" + "x" * 43):
        compared.clear()
        keys.find(secret)
        assert compared == [key.digest for key in keys.list()]


def test_what_another_process_revokes_is_refused_at_once(tmp_path: Path) -> None:
    server, command = Keys(tmp_path), Keys(tmp_path)
    secret = server.add("a", Role.ADMIN)
    assert server.find(secret) is not None
    command.revoke("a")
    assert server.find(secret) is None
    command.add("a", Role.ADMIN)
    assert server.find(secret) is None  # the name is back, the key is not


def test_keys_added_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = list(pool.map(lambda i: Keys(tmp_path).add(f"k{i}", Role.VIEWER), range(12)))
    assert all(Keys(tmp_path).find(secret) for secret in secrets)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "x" * 65, "a\n"])
def test_names_that_are_not_valid(name: str, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="is not valid; use 1 to 64 letters"):
        Keys(tmp_path).add(name, Role.VIEWER)


def test_a_name_is_taken_once_and_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path)
    keys.add("a", Role.VIEWER)
    with pytest.raises(KeyFileError, match="a key named 'a' exists"):
        keys.add("a", Role.ADMIN)
    monkeypatch.setattr(keys_module, "MAX_KEYS", 1)
    with pytest.raises(KeyFileError, match="there are 1 keys"):
        keys.add("b", Role.VIEWER)


def test_revoking_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.add("a", Role.VIEWER)
    with pytest.raises(KeyFileError, match="no key is named 'b'; there are: a"):
        keys.revoke("b")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 2, "keys": []}',
        '{"version": 1, "keys": [{}]}',
        json.dumps({"version": 1, "keys": [dict.fromkeys(("id", "name", "role", "salt", "digest"), "x")]}),
    ],
)
def test_a_damaged_file_refuses_and_is_not_taken_for_no_keys(content: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(KeyFileError, match="cannot be read"):
        Keys(tmp_path).list()
    with pytest.raises(KeyFileError, match="cannot be read"):
        announce_first_key(Keys(tmp_path), tmp_path, is_terminal=True)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another --state folder"):
        Keys(tmp_path / "file" / "state").add("a", Role.VIEWER)


def test_the_first_key_is_shown_once_on_a_terminal(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    said = announce_first_key(keys, tmp_path, is_terminal=True)
    assert said is not None
    found = keys.find(said.split()[-1])
    assert found is not None
    assert found.principal == Principal("admin", Role.ADMIN)
    assert announce_first_key(keys, tmp_path, is_terminal=True) is None


def test_without_a_terminal_the_first_key_goes_to_a_private_file_and_not_to_the_log(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    said = announce_first_key(keys, tmp_path, is_terminal=False)
    path = tmp_path / FILE_NAME
    secret = path.read_text().strip()
    assert said is not None
    assert secret not in said
    assert keys.find(secret) is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
