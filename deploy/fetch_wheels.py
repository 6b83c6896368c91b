"""Fetches a device's wheels that are not on PyPI, and refuses a file whose SHA-256 sum is not the listed one.

    python fetch_wheels.py wheels.txt nano FOLDER [--accept-unverified]

Runs on Python 3.8 with the standard library alone, before anything is installed.
"""

import argparse
import hashlib
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import List, NamedTuple

UNKNOWN_SUM = "UNVERIFIED"
TIMEOUT_S = 60


class WheelError(Exception):
    """A wheel cannot be had, or is not the one that is meant."""


class Wheel(NamedTuple):
    """One line of the list."""

    device: str
    file: str
    sha256: str
    url: str


def main() -> int:
    """Parse the command line; 1 when a wheel is refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", type=Path, help="wheels.txt")
    parser.add_argument("device", help="nano or orin")
    parser.add_argument("folder", type=Path, help="where the wheels go")
    parser.add_argument("--accept-unverified", action="store_true", help="take files of unknown sum")
    given = parser.parse_args()
    try:
        for wheel in wheels_of(given.list.read_text(), given.device):
            fetch(wheel, given.folder, accept_unverified=given.accept_unverified)
    except WheelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def wheels_of(text: str, device: str) -> List[Wheel]:
    """Return the wheels of `device`.

    Raises:
        WheelError: there are none, or a line is malformed.
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for words in lines:
        if len(words) != len(Wheel._fields):
            raise WheelError(f"{' '.join(words)[:80]!r} is not DEVICE FILE SHA256 URL; correct the list")
    wheels = [Wheel(*words) for words in lines if words[0] == device]
    if not wheels:
        devices = ", ".join(sorted({words[0] for words in lines}))
        raise WheelError(f"the list has no wheels for {device!r}; it has them for: {devices}")
    return wheels


def fetch(wheel: Wheel, folder: Path, *, accept_unverified: bool = False) -> Path:
    """Put one wheel into `folder` and return its path.

    Raises:
        WheelError: its sum is unknown or another one, or it cannot be fetched; then there is no file.
    """
    if wheel.sha256 == UNKNOWN_SUM and not accept_unverified:
        raise WheelError(
            f"the sum of {wheel.file} is not known; put it into the list, from somebody you trust, or accept "
            "the file as it comes with --build-arg ACCEPT_UNVERIFIED=1"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / wheel.file
    partial = path.with_suffix(".part")
    try:
        found = _download(wheel.url, partial)
        if wheel.sha256 not in (found, UNKNOWN_SUM):
            raise WheelError(
                f"{wheel.url} has the sum {found}, the list says {wheel.sha256}: it was not installed"
            )
        partial.replace(path)
    except OSError as error:
        raise WheelError(f"cannot fetch {wheel.file} from {wheel.url}: {error}") from error
    finally:
        if partial.exists():
            partial.unlink()
    state = "as listed" if wheel.sha256 == found else "UNVERIFIED: put it into the list once you trust it"
    print(f"{wheel.file}: sha256 {found}, {state}")
    return path


def _download(url: str, path: Path) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "visual-inspector"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
