"""Public data sets: where they are, under which licence, and how they come onto the disk, verified.

A set whose checksum is not published has an empty `sha256`. The checksum of its first download is then
written beside the archive (NAME.sha256), and later downloads into that folder have to agree with it.

Source: the sha256 of MVTec AD and DTD are those that anomalib lists (data/datamodules/image/mvtecad.py and
models/image/draem/lightning_model.py).
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from inspector.errors import InputError, InspectorError
from inspector.fetch import Progress, fetch, file_sha256
from inspector.unpack import unpack


@dataclass(frozen=True)
class Source:
    """A data set: `folder` is where it is unpacked, `strip` the leading folders of the archive to drop."""

    name: str
    title: str
    url: str
    archive: str
    sha256: str
    size_mb: int
    licence: str
    folder: str
    strip: int
    next_step: str


SOURCES = (
    Source(
        name="mvtec-ad",
        title="MVTec Anomaly Detection: 15 kinds of parts, 5,354 images",
        url="https://www.mydrive.ch/shares/38536/3830184030e49fe74747669442f0f282/download/"
        "420938113-1629952094/mvtec_anomaly_detection.tar.xz",
        archive="mvtec_anomaly_detection.tar.xz",
        sha256="cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
        size_mb=5265,
        licence="Creative Commons Attribution-NonCommercial-ShareAlike 4.0 (CC BY-NC-SA 4.0): no commercial "
        "use. Cite P. Bergmann, M. Fauser, D. Sattlegger, C. Steger, MVTec AD, CVPR 2019.",
        folder="mvtec_ad",
        strip=0,
        next_step="inspector data info {folder}/bottle",
    ),
    Source(
        name="dtd",
        title="Describable Textures Dataset: 47 kinds of textures, 5,640 images",
        url="https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
        archive="dtd-r1.0.1.tar.gz",
        sha256="e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
        size_mb=625,
        licence="Made available to the computer vision community for research purposes; the images stay with "
        "their owners. Cite M. Cimpoi et al., Describing Textures in the Wild, CVPR 2014.",
        folder="dtd",
        strip=1,
        next_step="use {folder}/images as the texture folder of a recipe",
    ),
    Source(
        name="magnetic-tile",
        title="Magnetic tile surface defects: 1,344 images, 5 kinds of defects",
        url="https://codeload.github.com/abin24/Magnetic-tile-defect-datasets./zip/"
        "cc4eb530b57b9cb7225bf76023873043ffd50655",
        archive="magnetic_tile.zip",
        sha256="",
        size_mb=51,
        licence="No licence is stated; the authors welcome its use. Cite Y. Huang, C. Qiu, K. Yuan, "
        "Surface defect saliency of magnetic tile, The Visual Computer, 2020.",
        folder="magnetic_tile",
        strip=1,
        next_step="inspector data info {folder}",
    ),
)


@dataclass(frozen=True)
class Downloaded:
    """What a download left on the disk."""

    folder: Path
    archive: Path
    sha256: str
    num_files: int
    verified: bool


def find_source(name: str) -> Source:
    """Return the set of that name; case, blanks and underscores do not matter."""
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower())
    for source in SOURCES:
        if source.name == wanted:
            return source
    raise InputError(f"no data set {name!r} is known; choose {', '.join(s.name for s in SOURCES)}")


def download(
    source: Source,
    out: Path,
    *,
    url: Optional[str] = None,
    attempts: int = 5,
    wait_s: float = 2.0,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Downloaded:
    """Download, verify and unpack a set into `out`; an archive that is there already is verified, not loaded.

    Args:
        url: A mirror; the checksum stays the same.

    Raises:
        InspectorError: see `fetch` and `unpack`.
    """
    archive, folder = out / source.archive, out / source.folder
    if folder.exists():
        raise InputError(f"{folder} exists already; remove it, or choose another folder with --out")
    record = archive.with_name(archive.name + ".sha256")
    expected = source.sha256 or _recorded(record)
    if archive.exists():
        say(f"{archive} is there already")
        found = _verified_sha256(archive, expected)
    else:
        found = fetch(
            url or source.url, archive, sha256=expected, attempts=attempts, wait_s=wait_s, progress=progress
        )
    if not expected:
        _write_record(record, found, archive.name)
        say(f"no checksum is published for {source.name}; the sha256 {found} was written to {record}")
    say(f"unpack {archive}")
    num_files = unpack(archive, folder, strip=source.strip)
    return Downloaded(folder, archive, found, num_files, verified=bool(expected))


def _verified_sha256(archive: Path, expected: str) -> str:
    found = file_sha256(archive)
    if expected and found != expected:
        raise InspectorError(
            f"{archive} has the sha256 {found}, but {expected} was expected; remove it and download it again"
        )
    return found


def _recorded(record: Path) -> str:
    """Return the checksum of an earlier download, empty where there was none."""
    if not record.is_file():
        return ""
    words = record.read_text(encoding="ascii", errors="replace").split()
    if not words or not re.fullmatch(r"[0-9a-f]{64}", words[0]):
        raise InputError(f"{record} holds no sha256; remove it")
    return words[0]


def _write_record(record: Path, sha256: str, name: str) -> None:
    """Write the line that `sha256sum -c` reads."""
    draft = record.with_name(record.name + ".part")
    with draft.open("w", encoding="ascii") as file:
        file.write(f"{sha256}  {name}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(record)
