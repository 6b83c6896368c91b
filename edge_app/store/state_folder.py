"""The folder that a running server owns alone."""

import fcntl
import os
import sys
from pathlib import Path

from inspector.errors import StorageError


class StateFolder:
    """Holds `DIR/lock` from its making until `close`, or until the process ends in whatever way."""

    def __init__(self, path: Path) -> None:
        """Lock the folder, which is made where it is missing.

        Raises:
            StorageError: another process holds it, or it cannot be written.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(str(path / "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"cannot use the state folder {path}: {error.strerror or error}; choose another --state"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = (
                os.pread(self._descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
            )
            os.close(self._descriptor)
            raise StorageError(
                f"the state folder {path} is in use by {holder}; stop that server or choose another --state"
            ) from error
        self._sign()

    def close(self) -> None:
        """Let others have the folder; a second time is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _sign(self) -> None:
        """Leave a name for the error that a second process gives; without space there is none."""
        name = f"process {os.getpid()} ({Path(sys.argv[0]).name or 'python'})\n".encode("utf-8", "replace")
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, name, 0)
        except OSError:
            return
