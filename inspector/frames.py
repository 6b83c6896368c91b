"""Frames from files, folders and videos, one after the other; what cannot be read is an answer, too."""

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

import cv2
import numpy as np

from inspector.errors import ImageError, InputError
from inspector.image_file import IMAGE_SUFFIXES, read_frame

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


@dataclass(frozen=True)
class Shot:
    """One frame, uint8 (H, W, 3) BGR, or the reason why there is none.

    name: the path as given; frames of a video end in `#` and their number, from 0.
    key: a relative path without suffix, for the names of output files; two shots may share it.
    """

    name: str
    key: str
    frame: Optional[np.ndarray]
    error: str = ""


def shots(paths: Sequence[Path], *, every: int = 1, skip: Optional[Path] = None) -> Iterator[Shot]:
    """Yield every image of the files and folders in `paths`, and every `every`-th frame of their videos.

    Folders are searched to any depth, in the order of names, leaving out hidden files and the folder `skip`.

    Raises:
        InputError: `every` is below 1.
    """
    if every < 1:
        raise InputError(f"every is {every}, but must be at least 1: each frame of a video")
    for path in paths:
        if path.is_dir():
            yield from _folder(path, every=every, skip=skip)
        else:
            yield from _file(path, key=path.stem, every=every)


def _folder(root: Path, *, every: int, skip: Optional[Path]) -> Iterator[Shot]:
    files = _listed(root, skip=skip)
    if not files:
        yield Shot(str(root), root.name, None, f"{root} holds no images and no videos")
    for path in files:
        key = path.relative_to(root).with_suffix("").as_posix()
        yield from _file(path, key=key, every=every)


def _listed(root: Path, *, skip: Optional[Path]) -> List[Path]:
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and (skip is None or skip.resolve() not in path.resolve().parents)
        and path.is_file()
    )


def _file(path: Path, *, key: str, every: int) -> Iterator[Shot]:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        yield from _video(path, key=key, every=every)
        return
    try:
        yield Shot(str(path), key, read_frame(path))
    except ImageError as error:
        yield Shot(str(path), key, None, str(error))


def _video(path: Path, *, key: str, every: int) -> Iterator[Shot]:
    capture = cv2.VideoCapture(str(path))
    try:
        number = 0
        while capture.grab():
            if number % every == 0:
                done, frame = capture.retrieve()
                error = "" if done else f"frame {number} of {path} cannot be decoded"
                yield Shot(f"{path}#{number}", f"{key}_{number:06d}", frame if done else None, error)
            number += 1
    finally:
        capture.release()
    if number == 0:
        yield Shot(
            str(path), key, None, f"{path} is not a video that can be read; give an MP4, AVI or MKV file"
        )
