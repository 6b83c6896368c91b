"""Keys by which people and machines prove who they are: random, 256 bits, stored hashed.

A salted SHA-256 is enough: a slow hash protects secrets that can be guessed, and 256 random bits cannot.
"""

import fcntl
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from edge_app.access.principals import Principal, Role
from inspector.errors import InputError, StorageError
from inspector.output_file import write_file

FILE_NAME = "keys.json"
PREFIX = "vi_"
SECRET_BYTES = 32
MAX_KEYS = 64
MAX_SECRET_LENGTH = 128
_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KeyFileError(InputError):
    """A key cannot be added, found or read."""


@dataclass(frozen=True)
class Key:
    """One key as it is stored. Sessions name it by `id`: a new key of the same name is another key."""

    id: str
    name: str
    role: str
    salt: str
    digest: str
    created_ms: int

    @property
    def principal(self) -> Principal:
        """Whom the key stands for."""
        return Principal(self.name, Role[self.role.upper()])


class Keys:
    """The keys of one state folder. What another process writes there counts from the next question on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._stamp: Optional[Tuple[int, int, int]] = None
        self._keys: Dict[str, Key] = {}

    def list(self) -> List[Key]:
        """Return all keys, the oldest first.

        Raises:
            KeyFileError: the file is damaged.
        """
        return list(self._current().values())

    def add(self, name: str, role: Role) -> str:
        """Make a key and return its secret, which is stored nowhere.

        Raises:
            KeyFileError: the name is taken or malformed, or there are too many keys.
            StorageError: the file cannot be written.
        """
        if _NAME.fullmatch(name) is None:
            raise KeyFileError(
                f"key name {name[:80]!r} is not valid; use 1 to 64 letters, digits, dots, dashes, underscores"
            )
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        with self._writing():
            keys = self._current()
            if any(key.name == name for key in keys.values()):
                raise KeyFileError(f"a key named {name!r} exists; revoke it first or choose another name")
            if len(keys) >= MAX_KEYS:
                raise KeyFileError(f"there are {len(keys)} keys (the limit is {MAX_KEYS}); revoke one first")
            key = _new_key(name, role, secret)
            self._write([*keys.values(), key])
        return secret

    def revoke(self, name: str) -> None:
        """Remove a key; its sessions end with the next request.

        Raises:
            KeyFileError: no key has this name.
            StorageError: the file cannot be written.
        """
        with self._writing():
            keys = self._current()
            kept = [key for key in keys.values() if key.name != name]
            if len(kept) == len(keys):
                names = ", ".join(key.name for key in kept) or "none"
                raise KeyFileError(f"no key is named {name[:80]!r}; there are: {names}")
            self._write(kept)

    def find(self, secret: str) -> Optional[Key]:
        """Return the key that `secret` belongs to. Every key is compared, each in constant time."""
        if not secret.startswith(PREFIX) or len(secret) > MAX_SECRET_LENGTH:
            return None
        found = None
        for key in self._current().values():
            if hmac.compare_digest(_digest(key.salt, secret), key.digest):
                found = key
        return found

    def get(self, key_id: str) -> Optional[Key]:
        """Return the key with this id, or None when it was revoked."""
        return self._current().get(key_id)

    def _current(self) -> Dict[str, Key]:
        with self._lock:
            stamp = _stamp_of(self._path)
            if stamp is None:
                self._stamp, self._keys = None, {}
            elif stamp != self._stamp:
                self._keys = _read(self._path)
                self._stamp = stamp
            return self._keys

    def _write(self, keys: List[Key]) -> None:
        document = {"version": _VERSION, "keys": [asdict(key) for key in keys]}
        write_file(self._path, json.dumps(document, indent=1).encode(), mode=0o600)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other processes from changing the keys between our reading and writing."""
        lock_path = self._path.with_name(f".{FILE_NAME}.lock")
        try:
            lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock = lock_path.open("w")
        except OSError as error:
            raise StorageError(
                f"cannot write {lock_path}: {error.strerror}; choose another --state folder"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _new_key(name: str, role: Role, secret: str) -> Key:
    salt = secrets.token_hex(16)
    return Key(
        id=secrets.token_hex(8),
        name=name,
        role=role.label,
        salt=salt,
        digest=_digest(salt, secret),
        created_ms=int(time.time() * 1000),
    )


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(salt.encode() + secret.encode("utf-8", "replace")).hexdigest()


def _stamp_of(path: Path) -> Optional[Tuple[int, int, int]]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(path: Path) -> Dict[str, Key]:
    try:
        document = json.loads(path.read_text())
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']}")
        keys = [Key(**entry) for entry in document["keys"]]
        for key in keys:
            key.principal  # noqa: B018 - an unknown role raises here
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFileError(
            f"{path} cannot be read ({type(error).__name__}); restore it from a backup, or remove it: "
            "then every key has to be made anew"
        ) from error
    return {key.id: key for key in keys}
