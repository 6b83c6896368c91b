"""How much room the store takes, and how much is left."""

import os
import sqlite3
from pathlib import Path


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of all files and of the used pages of the database."""
    files = connection.execute("SELECT num_bytes FROM totals").fetchone()[0]
    page_size, pages, unused = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(files + page_size * (pages - unused))


def free_bytes(folder: Path) -> int:
    """Return what this process may still write in the file system of `folder`."""
    numbers = os.statvfs(str(folder))
    return numbers.f_bavail * numbers.f_frsize


def size_or_zero(path: Path) -> int:
    """Return the size of a file, 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
