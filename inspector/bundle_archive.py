"""The files of a bundle, from a folder or a zip, each checked against SHA256SUMS before anyone sees it.

Nothing is ever unpacked to disk. A zip is read member by member with caps on names, sizes and compression.

Source: facts/edge_reliability.md, section 2 (zip-slip, overlapping members, decompression bombs).
"""

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Dict, List, Mapping, Tuple

from inspector.errors import BundleError

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
MAX_TOTAL_BYTES = 512 * 1024 * 1024
MAX_FILES = 1000
MAX_RATIO = 200
RATIO_FREE_BYTES = 1024 * 1024

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_CHUNK_BYTES = 1 << 20
# zipfile answers damage with whatever its parser trips over.
_ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)


def read_files(path: Path) -> Dict[str, bytes]:
    """Return the verified content of every file of the bundle at `path`, SHA256SUMS included.

    Raises:
        BundleError: not a bundle; a file is missing, extra or changed; a name, size or compression is unsafe.
    """
    try:
        if path.is_dir():
            files = _read_folder(path)
        elif path.is_file():
            files = _read_zip(path)
        else:
            raise BundleError(f"there is no bundle at {path}; give a folder or a file NAME.bundle")
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
    _verify(files, where=str(path))
    return files


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """Return the text of SHA256SUMS for `files`, in the format of `sha256sum`, sorted by name."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return "".join(lines).encode("ascii")


def is_safe_name(name: str) -> bool:
    """Say whether `name` is a plain relative path: no `..`, no backslash, no drive, no hidden file."""
    return _NAME.fullmatch(name) is not None and len(name) <= 200


def _verify(files: Dict[str, bytes], *, where: str) -> None:
    if SUMS not in files:
        raise BundleError(f"{where} has no {SUMS}, so it is not a bundle or was cut short; copy it again")
    listed = _parse_sums(files[SUMS], where=where)
    present = {name for name in files if name not in (SUMS, SIGNATURE)}
    for name in sorted(listed.keys() - present):
        raise BundleError(f"{name} is listed in {SUMS} but missing from {where}; copy the bundle again")
    for name in sorted(present - listed.keys()):
        raise BundleError(
            f"{name} in {where} is not listed in {SUMS}; remove it or copy the bundle again from its source"
        )
    for name in sorted(listed):
        found = hashlib.sha256(files[name]).hexdigest()
        if found != listed[name]:
            raise BundleError(
                f"{name} in {where} was changed: its SHA-256 is {found[:12]}..., "
                f"{SUMS} says {listed[name][:12]}...; copy the bundle again from its source"
            )


def _parse_sums(data: bytes, *, where: str) -> Dict[str, str]:
    listed: Dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or not is_safe_name(match.group(2)) or match.group(2) in listed:
            raise BundleError(f"line {number} of {SUMS} in {where} is not valid; copy the bundle again")
        listed[match.group(2)] = match.group(1)
    canonical = "".join(f"{digest}  {name}\n" for name, digest in listed.items())
    if canonical.encode("ascii") != data:
        raise BundleError(f"{SUMS} in {where} was changed; copy the bundle again from its source")
    return listed


def _read_folder(root: Path) -> Dict[str, bytes]:
    files: Dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for name, path in _walk(root):
        data = _read_regular(path, limit=left, name=name, where=root)
        left -= len(data)
        files[name] = data
    return files


def _walk(root: Path) -> List[Tuple[str, Path]]:
    found: List[Tuple[str, Path]] = []
    for folder, subfolders, names in os.walk(str(root)):
        for entry in subfolders + names:
            path = Path(folder) / entry
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or not is_safe_name(name):
                raise BundleError(
                    f"{name!r} in {root} is a link or has a name that a bundle must not contain; remove it"
                )
        found += [((Path(folder) / name).relative_to(root).as_posix(), Path(folder) / name) for name in names]
        _check_count(len(found), where=root)
    return found


def _read_regular(path: Path, *, limit: int, name: str, where: Path) -> bytes:
    # O_NONBLOCK: opening a pipe that nobody writes to must not hang.
    descriptor = os.open(str(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BundleError(f"{name} in {where} is not a regular file; remove it")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(where)
    return data


def _read_zip(path: Path) -> Dict[str, bytes]:
    try:
        with zipfile.ZipFile(str(path)) as archive:
            members = _checked_members(archive, where=path)
            return {info.filename: _read_member(archive, info, where=path) for info in members}
    except _ZIP_DAMAGE as error:
        raise BundleError(
            f"{path} is not a readable bundle file ({error}); it was cut short or damaged, copy it again"
        ) from error


def _checked_members(archive: zipfile.ZipFile, *, where: Path) -> List[zipfile.ZipInfo]:
    members = [info for info in archive.infolist() if not _is_plain_folder(info)]
    _check_count(len(members), where=where)
    if sum(info.file_size for info in members) > MAX_TOTAL_BYTES:
        raise _too_large(where)
    seen = set()
    for info in members:
        if info.orig_filename in seen:
            raise BundleError(
                f"{info.orig_filename} is in {where} twice; copy the bundle again from its source"
            )
        seen.add(info.orig_filename)
        problem = _member_problem(info)
        if problem:
            raise BundleError(
                f"{info.orig_filename!r} in {where} {problem}; refuse this file and ask for a new one"
            )
    return members


def _is_plain_folder(info: zipfile.ZipInfo) -> bool:
    return info.orig_filename.endswith("/") and info.file_size == 0 and is_safe_name(info.orig_filename[:-1])


def _member_problem(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not is_safe_name(info.orig_filename):
        return "is a name that points outside the bundle or has forbidden characters"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a special file"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed with an unknown method"
    if info.file_size > RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        return f"is compressed more than {MAX_RATIO} times, as only a decompression bomb is"
    return ""


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, where: Path) -> bytes:
    parts: List[bytes] = []
    count = 0
    with archive.open(info) as member:
        while True:
            part = member.read(_CHUNK_BYTES)
            if not part:
                break
            count += len(part)
            if count > info.file_size:
                raise BundleError(f"{info.filename} in {where} is larger than it says; ask for a new bundle")
            parts.append(part)
    if count != info.file_size:
        raise BundleError(f"{info.filename} in {where} is cut short; copy the bundle again")
    return b"".join(parts)


def _check_count(count: int, *, where: Path) -> None:
    if count > MAX_FILES:
        raise BundleError(f"{where} holds more than {MAX_FILES} files, so it is not a bundle")


def _too_large(where: Path) -> BundleError:
    return BundleError(
        f"{where} holds more than {MAX_TOTAL_BYTES // 2**20} MB, the limit for a bundle; "
        "export a smaller network"
    )
