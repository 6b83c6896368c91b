"""What went wrong with the disk, and how bad that is."""

import errno
import sqlite3
from enum import Enum

from inspector.errors import StorageError


class WriterFailedError(StorageError):
    """The disk failed or the store is closed: nothing is stored until the server is started again."""


class DiskFullError(StorageError):
    """No space: this was not stored, a later one may be."""


class Severity(Enum):
    """JOB: one job's own error. FULL: no space, may pass. BROKEN: the disk cannot be trusted any more."""

    JOB = "job"
    FULL = "full"
    BROKEN = "broken"


# Texts, since sqlite3 gives no codes before Python 3.11.
FULL_TEXTS = ("database or disk is full",)
BROKEN_TEXTS = (
    "disk I/O error",
    "database disk image is malformed",
    "is not a database",
    "attempt to write a readonly database",  # a card that fails is mounted read-only by the kernel
    "unable to open database file",
)
FULL_CODES = (errno.ENOSPC, errno.EDQUOT)
BROKEN_CODES = (errno.EIO, errno.EROFS)


def severity_of(error: BaseException) -> Severity:
    """Say how bad an error of SQLite or of a file operation is."""
    if isinstance(error, OSError):
        if error.errno in FULL_CODES:
            return Severity.FULL
        return Severity.BROKEN if error.errno in BROKEN_CODES else Severity.JOB
    if not isinstance(error, sqlite3.Error):
        return Severity.JOB
    text = str(error)
    if any(known in text for known in FULL_TEXTS):
        return Severity.FULL
    return Severity.BROKEN if any(known in text for known in BROKEN_TEXTS) else Severity.JOB
