"""Ed25519 signatures of bundles: who made this file, not only whether it arrived whole.

The signature covers SHA256SUMS, which names every byte of the bundle. It is the plain 64 bytes of RFC 8032 in
`SHA256SUMS.sig`, so that OpenSSL checks it too:

    openssl pkeyutl -verify -pubin -inkey line.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig

Source: RFC 8032 (Ed25519); keys are PEM files, PKCS #8 and SubjectPublicKeyInfo (RFC 8410).
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Tuple

from inspector.errors import BundleError, InputError, RuntimeUnavailableError, StorageError
from inspector.output_file import write_file

INSTALL_COMMAND = 'pip install "visual-inspector[sign]"'
PRIVATE_SUFFIX = ".key"
PUBLIC_SUFFIX = ".pub"
_MAX_KEY_BYTES = 10_000


@dataclass(frozen=True)
class TrustedKey:
    """A public key that bundles may be signed with. `name` is the file's, without its suffix."""

    name: str
    fingerprint: str
    key: Any

    def accepts(self, signature: bytes, data: bytes) -> bool:
        """Say whether `signature` is this key's over `data`."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def new_key_pair(path: Path) -> Tuple[Path, Path]:
    """Write a private key to `path` + `.key`, for its owner alone, and its public half to `path` + `.pub`.

    Raises:
        InputError: one of them is there already; a key is never replaced.
        StorageError: they cannot be written.
        RuntimeUnavailableError: the package cryptography is not installed.
    """
    ed25519, serialization = _cryptography()
    private, public = (path.parent / (path.name + suffix) for suffix in (PRIVATE_SUFFIX, PUBLIC_SUFFIX))
    for file in (private, public):
        if file.exists():
            raise InputError(f"{file} exists, and a key is never replaced; give another name")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    _write_secret(
        private,
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    write_file(public, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def sign(data: bytes, private_key: Path) -> bytes:
    """Return the 64 bytes of the signature of `data` by the key in the PEM file `private_key`.

    Raises:
        InputError: the file is not an unencrypted Ed25519 private key in PEM.
        RuntimeUnavailableError: the package cryptography is not installed.
    """
    ed25519, serialization = _cryptography()
    try:
        key = serialization.load_pem_private_key(_read_key(private_key), password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{private_key} is not an unencrypted private key in PEM: {error}") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InputError(f"{private_key} is not an Ed25519 key; make one with: inspector sign keygen NAME")
    signature: bytes = key.sign(data)
    return signature


def read_trusted_keys(paths: Iterable[Path]) -> Tuple[TrustedKey, ...]:
    """Read public keys from PEM files, and from every `.pub` file of a folder.

    Raises:
        InputError: a file is not an Ed25519 public key, or there is no key at all: an empty list would
            silently trust nobody or everybody.
        RuntimeUnavailableError: the package cryptography is not installed.
    """
    files = [file for path in paths for file in (_keys_in(path) if path.is_dir() else [path])]
    if not files:
        raise InputError("no trusted key was given; name a public key file (.pub) or a folder with some")
    return tuple(_read_public(file) for file in files)


def check_signature(
    sums: bytes, signature: bytes, trusted: Iterable[TrustedKey], *, where: str
) -> TrustedKey:
    """Return the trusted key that signed `sums`, the content of SHA256SUMS.

    Raises:
        BundleError: there is no signature, or none of the trusted keys made it.
    """
    keys = tuple(trusted)
    known = ", ".join(f"{key.name} ({key.fingerprint})" for key in keys)
    if not signature:
        raise BundleError(
            f"{where} is not signed, and only bundles signed by {known} are accepted here; "
            "sign it with: inspector sign bundle BUNDLE --key NAME.key"
        )
    for key in keys:
        if key.accepts(signature, sums):
            return key
    raise BundleError(
        f"the signature of {where} was made by none of the trusted keys ({known}), or the bundle was changed "
        "after it was signed; ask whoever sent it"
    )


def fingerprint_of(public_bytes: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of a raw public key."""
    return hashlib.sha256(public_bytes).hexdigest()[:16]


def _keys_in(folder: Path) -> Tuple[Path, ...]:
    return tuple(sorted(folder.glob(f"*{PUBLIC_SUFFIX}")))


def _read_public(path: Path) -> TrustedKey:
    ed25519, serialization = _cryptography()
    try:
        key = serialization.load_pem_public_key(_read_key(path))
    except ValueError as error:
        raise InputError(f"{path} is not a public key in PEM: {error}") from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InputError(f"{path} is not an Ed25519 public key; make one with: inspector sign keygen NAME")
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return TrustedKey(name=path.stem, fingerprint=fingerprint_of(raw), key=key)


def _read_key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise InputError(f"the key {path} cannot be read: {error.strerror or error}") from error


def _write_secret(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; choose another folder"
        ) from error


def _cryptography() -> Tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"signatures need the package cryptography, which is not installed; run: {INSTALL_COMMAND}"
        ) from error
    return ed25519, serialization
