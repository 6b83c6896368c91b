"""Downloads one file over HTTP: resumes what was cut off, and never leaves half a file under its final name.

Source: RFC 9110, Sec. 14 (range requests).
"""

import errno
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Optional, Tuple
from urllib.parse import urlsplit

from inspector.errors import InputError, InspectorError, StorageError

Progress = Callable[[int, Optional[int]], None]  # bytes so far, bytes in all where the server tells
CHUNK_BYTES = 1 << 20
TIMEOUT_S = 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _BrokenConnectionError(Exception):
    """The connection ended before the file did; what came so far is kept."""


def fetch(
    url: str,
    path: Path,
    *,
    sha256: str = "",
    attempts: int = 5,
    wait_s: float = 2.0,
    progress: Progress = lambda done, total: None,
) -> str:
    """Download `url` to `path` and return the sha256 of the file.

    Bytes go to `path` + ".part" first. After a broken connection the next attempt, or the next call, asks the
    server for the rest; a server that ignores the request starts over.

    Args:
        sha256: What the file must have; empty to accept any.
        progress: Called with the bytes so far and the bytes in all, None where the server does not tell.

    Raises:
        InputError: the address is not http or https, or the server does not have the file.
        InspectorError: the connection broke in every attempt (the part is kept), or the file has another
            checksum (it is removed).
        StorageError: no space or no permission; the part is kept.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"address {url!r} is neither http nor https")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch_part(url, part, attempts, wait_s, progress)
        found = file_sha256(part)
        if sha256 and found != sha256:
            part.unlink()
            raise InspectorError(
                f"{url} gave a file with the sha256 {found}, but {sha256} was expected; it was removed: "
                "download it again, or from another address with --url"
            )
        part.replace(path)
    except OSError as error:
        raise _storage_error(part, error) from error
    return found


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch_part(url: str, part: Path, attempts: int, wait_s: float, progress: Progress) -> None:
    for attempt in range(1, attempts + 1):
        try:
            _fetch_once(url, part, progress)
            return
        except _BrokenConnectionError as error:
            if attempt == attempts:
                kept = part.stat().st_size if part.exists() else 0
                raise InspectorError(
                    f"{url}: {error} (attempt {attempt} of {attempts}); {kept:,} bytes are kept in {part}, "
                    "run the same command again to go on"
                ) from error
            time.sleep(wait_s * attempt)


def _fetch_once(url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    try:
        response = _ask(url, have)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and have:
                _after_416(error, part, have)
                return
        if error.code >= 500 or error.code == 429:
            raise _BrokenConnectionError(f"the server answered {error.code} {error.reason}") from error
        raise InputError(
            f"{url}: the server answered {error.code} {error.reason}; try a mirror, --url"
        ) from error
    except OSError as error:  # URLError, timeouts and refused connections
        raise _BrokenConnectionError(f"no connection: {getattr(error, 'reason', error)}") from error
    with response:
        start, total = _extent(response, have)
        _check_room(part, (total or 0) - start)
        with part.open("ab" if start else "wb") as file:
            _copy(response, file, start, total, progress)
            file.flush()
            os.fsync(file.fileno())


def _ask(url: str, have: int) -> Any:
    headers = {"User-Agent": "visual-inspector", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)


def _extent(response: Any, have: int) -> Tuple[int, Optional[int]]:
    """Return where the answer starts and how long the whole file is; 0 where the server starts over."""
    if response.status == 206:
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if match and int(match.group(1)) == have:
            return have, None if match.group(2) == "*" else int(match.group(2))
        raise InspectorError(
            f"{response.url} answered with a range that was not asked for; try a mirror, --url"
        )
    length = response.headers.get("Content-Length")
    return 0, int(length) if length is not None else None


def _after_416(error: urllib.error.HTTPError, part: Path, have: int) -> None:
    """The part is complete, or longer than the file: then it is of no use."""
    if error.headers.get("Content-Range", "") != f"bytes */{have}":
        part.unlink()
        raise _BrokenConnectionError("the part on disk does not belong to the file of the server")


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(str(part.parent)).free
    if needed > free:
        raise StorageError(
            f"{part} needs {needed:,} more bytes, {free:,} are free; make room or use another folder"
        )


def _copy(response: Any, file: Any, done: int, total: Optional[int], progress: Progress) -> None:
    while True:
        try:
            chunk = response.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:  # the connection, not the disk
            raise _BrokenConnectionError(f"the connection broke after {done:,} bytes: {error}") from error
        if not chunk:
            break
        file.write(chunk)
        done += len(chunk)
        progress(done, total)
    if total is not None and done < total:
        raise _BrokenConnectionError(f"the connection ended after {done:,} of {total:,} bytes")


def _storage_error(part: Path, error: OSError) -> StorageError:
    what = (
        "no space is left" if error.errno in (errno.ENOSPC, errno.EDQUOT) else (error.strerror or str(error))
    )
    return StorageError(f"cannot write {part}: {what}; what came so far is kept, make room and run it again")
