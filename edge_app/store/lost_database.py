"""Photos whose database is gone: a new, empty one would make the sweep take all of them for leftovers."""

from pathlib import Path

from edge_app.store.space import size_or_zero
from inspector.errors import StorageError


class LostDatabaseError(StorageError):
    """There are photos of results, and no database that knows them."""


def check_not_lost(database: Path, files: Path) -> None:
    """Refuse to begin an empty database beside the files of another.

    A server that dies before its first result leaves no such state: the database is there before any file.

    Raises:
        LostDatabaseError: `database` is missing or empty, and `files` holds something.
    """
    if size_or_zero(database) > 0 or not any(path.is_file() for path in files.rglob("*")):
        return
    raise LostDatabaseError(
        f"{database} is missing or empty, but {files} holds photos; put the database back, or move the "
        f"folder {files.name} away too and start with no results"
    )
