"""What every photo of a set tells about itself, measured once and kept in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from inspector.console import Console
from inspector.image_facts import FileFacts, ImageFacts, look_at
from search.labels.jobs import Piece, Workers, compute
from search.labels.kept import Arrays, Kept
from search.labels.material import Photo

CHUNK = 64
_NUMBERS = ("width", "height", "phash", "brightness", "focus", "peak")
_WORDS = ("sha256", "mode")


@dataclass(frozen=True)
class Looks:
    """The photos that can be read, with their measures, and the others, with what is wrong with them."""

    photos: tuple[Photo, ...]
    facts: tuple[ImageFacts, ...]
    unreadable: tuple[tuple[Photo, str], ...]


def look_at_all(photos: Sequence[Photo], kept: Kept, workers: Workers, *, console: Console) -> Looks:
    """Measure all photos; errors as in `jobs.compute`."""
    chunks = list(chunked(photos))
    pieces = [
        Piece(name, partial(_measure, tuple(one.path for one in chunk)))
        for name, chunk in chunks_named(chunks)
    ]
    compute(pieces, kept, workers, title="reading photos", console=console)
    good: list[tuple[Photo, ImageFacts]] = []
    bad: list[tuple[Photo, str]] = []
    for name, chunk in chunks_named(chunks):
        arrays = kept.load(name)
        assert arrays is not None
        for row, photo in enumerate(chunk):
            error = str(arrays["error"][row])
            if error:
                bad.append((photo, error))
            else:
                good.append((photo, _facts(arrays, row)))
    return Looks(tuple(one for one, _ in good), tuple(facts for _, facts in good), tuple(bad))


def chunked(photos: Sequence[Photo]) -> Iterator[tuple[Photo, ...]]:
    """Yield the photos in tuples of at most `CHUNK`."""
    for start in range(0, len(photos), CHUNK):
        yield tuple(photos[start : start + CHUNK])


def chunks_named(
    chunks: Sequence[tuple[Photo, ...]], stem: str = "looks"
) -> Iterator[tuple[str, tuple[Photo, ...]]]:
    """Yield (name of the piece, chunk)."""
    for number, chunk in enumerate(chunks):
        yield f"{stem}-{number:05d}", chunk


def _measure(paths: Sequence[Path]) -> Arrays:
    files = [look_at(path) for path in paths]
    return {
        "error": np.array([file.error for file in files]),
        "thumb": np.stack([_value(file, "thumb", np.zeros(32 * 32, np.float32)) for file in files]),
        **{name: np.array([_value(file, name, 0) for file in files], _dtype(name)) for name in _NUMBERS},
        **{name: np.array([_value(file, name, "") for file in files]) for name in _WORDS},
    }


def _value(file: FileFacts, name: str, missing: Any) -> Any:
    return missing if file.facts is None else getattr(file.facts, name)


def _dtype(name: str) -> type:
    kinds = {field.name: field.type for field in fields(ImageFacts)}
    if name == "phash":
        return np.uint64
    return np.float64 if kinds[name] in (float, "float") else np.int64


def _facts(arrays: Arrays, row: int) -> ImageFacts:
    values = {name: arrays[name][row].item() for name in (*_NUMBERS, *_WORDS)}
    return ImageFacts(thumb=np.asarray(arrays["thumb"][row], np.float32), **values)
