"""The first administrator's key, made when a server that others can reach is started without any key."""

from pathlib import Path
from typing import Optional

from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from inspector.output_file import write_file

NAME = "admin"
FILE_NAME = "first-admin-key"


def first_key(keys: Keys) -> Optional[str]:
    """Make the first key and return its secret, or None when there are keys already.

    Raises:
        KeyFileError: the file of keys is damaged.
        StorageError: it cannot be written.
    """
    return None if keys.list() else keys.add(NAME, Role.ADMIN)


def announce_first_key(keys: Keys, folder: Path, *, is_terminal: bool) -> Optional[str]:
    """Return what to tell whoever started the server about its first key; None when there are keys already.

    Args:
        is_terminal: Whether a person reads this. Otherwise it would stay in a log, so the key goes to a
            file that only the server's own user can read.
    """
    secret = first_key(keys)
    if secret is None:
        return None
    if is_terminal:
        return f"the first key, shown once, for an administrator: {secret}"
    path = write_file(folder / FILE_NAME, secret.encode() + b"\n", mode=0o600)
    return f"the first key, for an administrator, is in {path}; read it there and remove the file"
