"""A device that trusts keys takes only bundles that one of them signed."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from inspector.bundle import Bundle
from inspector.bundle_archive import SIGNATURE, SUMS, sums_of
from inspector.bundle_output import write_files
from inspector.cli import run
from inspector.errors import BundleError, InputError
from inspector.signature import new_key_pair, read_trusted_keys, sign
from tests.tiny_bundle import write_tiny_bundle


@pytest.fixture(params=["folder", "zip"])
def bundle_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / ("tiny" if request.param == "folder" else "tiny.bundle"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Keys `ours` and `theirs`; each folder of public halves is named after its key."""
    for name in ("ours", "theirs"):
        _, public = new_key_pair(tmp_path / name)
        (tmp_path / f"trust_{name}").mkdir()
        shutil.copy(public, tmp_path / f"trust_{name}")
    return tmp_path


def test_a_signed_bundle_says_who_signed_it(bundle_path: Path, keys: Path) -> None:
    digest = Bundle.open(bundle_path).digest
    assert run(["sign", "bundle", str(bundle_path), "--key", str(keys / "ours.key")]) == 0
    opened = Bundle.open(
        bundle_path, trusted_keys=read_trusted_keys([keys / "trust_theirs", keys / "ours.pub"])
    )
    assert opened.signed_by is not None
    assert opened.signed_by.name == "ours"
    assert opened.digest == digest  # the signature is not part of the identity
    assert len(opened.files[SIGNATURE]) == 64


def test_without_trusted_keys_any_whole_bundle_opens(bundle_path: Path) -> None:
    assert Bundle.open(bundle_path).signed_by is None


def test_an_unsigned_bundle_is_refused(bundle_path: Path, keys: Path) -> None:
    with pytest.raises(BundleError, match=r"is not signed, and only bundles signed by ours \([0-9a-f]{16}\)"):
        Bundle.open(bundle_path, trusted_keys=read_trusted_keys([keys / "ours.pub"]))


def test_a_bundle_of_somebody_else_is_refused(bundle_path: Path, keys: Path) -> None:
    run(["sign", "bundle", str(bundle_path), "--key", str(keys / "theirs.key")])
    with pytest.raises(BundleError, match="made by none of the trusted keys"):
        Bundle.open(bundle_path, trusted_keys=read_trusted_keys([keys / "trust_ours"]))


def test_a_change_after_signing_is_refused_even_with_new_sums(bundle_path: Path, keys: Path) -> None:
    run(["sign", "bundle", str(bundle_path), "--key", str(keys / "ours.key")])
    files = dict(Bundle.open(bundle_path).files)
    files["card.md"] = b"# another card\n"
    files[SUMS] = sums_of({name: data for name, data in files.items() if name not in (SUMS, SIGNATURE)})
    write_files(bundle_path, files)
    Bundle.open(bundle_path)  # whole, but not as it was signed
    with pytest.raises(BundleError, match="or the bundle was changed after it was signed"):
        Bundle.open(bundle_path, trusted_keys=read_trusted_keys([keys / "ours.pub"]))


@pytest.mark.parametrize("signature", [b"", b"short", bytes(64), bytes(65), b"\xff" * 10_000])
def test_a_damaged_signature_is_refused(tmp_path: Path, keys: Path, signature: bytes) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / SIGNATURE).write_bytes(signature)
    with pytest.raises(BundleError, match=r"is not signed|made by none of the trusted keys"):
        Bundle.open(path, trusted_keys=read_trusted_keys([keys / "ours.pub"]))


def test_the_private_key_is_for_its_owner_alone_and_never_replaced(keys: Path) -> None:
    assert stat.S_IMODE((keys / "ours.key").stat().st_mode) == 0o600
    with pytest.raises(InputError, match="a key is never replaced"):
        new_key_pair(keys / "ours")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is not a public key in PEM"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.pub"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_trusted_keys([path])


def test_an_empty_folder_of_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trusted key was given"):
        read_trusted_keys([tmp_path])


def test_a_public_key_does_not_sign(keys: Path) -> None:
    with pytest.raises(InputError, match="is not an unencrypted private key in PEM"):
        sign(b"x", keys / "ours.pub")


def test_openssl_checks_the_same_signature(tmp_path: Path, keys: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = write_tiny_bundle(tmp_path / "tiny")
    run(["sign", "bundle", str(path), "--key", str(keys / "ours.key")])
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(keys / "ours.pub"), "-rawin"]
    command += ["-in", str(path / SUMS), "-sigfile", str(path / SIGNATURE)]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (path / SUMS).write_bytes((path / SUMS).read_bytes() + b"\n")
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_the_command_line(bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sign", "keygen", str(tmp_path / "line7"), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert run(["sign", "bundle", str(bundle_path), "--key", made["private"]]) == 0
    capsys.readouterr()
    assert run(["sign", "check", str(bundle_path), "--trusted-key", made["public"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == made["fingerprint"]
    new_key_pair(tmp_path / "other")
    assert run(["sign", "check", str(bundle_path), "--trusted-key", str(tmp_path / "other.pub")]) == 2
    assert "made by none of the trusted keys" in capsys.readouterr().err
