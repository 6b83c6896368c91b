"""Secrets by name: a file in one folder, or a variable of the environment. Their values go nowhere else."""

import os
import re
from pathlib import Path
from typing import Optional

from inspector.errors import InputError

ENVIRONMENT_PREFIX = "INSPECTOR_SECRET_"
MAX_BYTES = 10_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Secret:
    """A text that prints as stars."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(***)"

    def reveal(self) -> str:
        """Return the text."""
        return self._value


class SecretFiles:
    """The folder `secrets` in the state folder. A name never leads out of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return the file called `name`, for parts that take a path: certificates and their keys.

        Raises:
            InputError: there is no such file.
        """
        if _NAME.fullmatch(name) is None:
            raise InputError(
                f"secret name {name[:80]!r} must be letters, digits, dots, dashes and underscores"
            )
        path = self._folder / name
        if not path.is_file():
            raise InputError(f"there is no secret {name!r}; put it into the file {path}")
        return path

    def text(self, name: str) -> Secret:
        """Return the secret `name`: INSPECTOR_SECRET_NAME (dots and dashes as underscores) or the file.

        Raises:
            InputError: there is neither, or the file cannot be read as text.
        """
        value: Optional[str] = os.environ.get(ENVIRONMENT_PREFIX + re.sub(r"[.-]", "_", name).upper())
        if value is None:
            path = self.path(name)
            try:
                with path.open("rb") as file:
                    value = file.read(MAX_BYTES).decode()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"secret {path} cannot be read as text: {type(error).__name__}") from None
        return Secret(value.strip())
