"""Textures that fill a defect: the images of a folder, or drawn ones that need no download.

Both keep the frames that were asked for, at the size that was asked for, up to a limit of memory.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from inspector.dataset import read_frame
from inspector.errors import DatasetError
from inspector.preprocess import resize_frame
from search.defects.procedural import draw_texture
from search.defects.style import Frame

_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_MEGABYTE = 1_000_000

Key = tuple[int, tuple[int, int]]  # which texture, at which size


class TextureSource(Protocol):
    """Gives random textures at a wanted size."""

    def sample(self, rng: np.random.Generator, shape_hw: tuple[int, int]) -> Frame:
        """Return a texture (H, W, 3). It is shared and read-only: copy it before writing."""
        ...


class FrameCache:
    """Frames that were used last, up to a limit of memory. Unpickled, in another process, it starts empty."""

    def __init__(self, max_mb: float) -> None:
        self._max_mb = max_mb
        self._frames: OrderedDict[Key, Frame] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["FrameCache"], tuple[float]]:
        return FrameCache, (self._max_mb,)

    @property
    def num_bytes(self) -> int:
        """Memory that the kept frames take."""
        return self._num_bytes

    def get(self, key: Key, make: Callable[[], Frame]) -> Frame:
        """Return the frame of `key`, read-only; `make` is called where it is not kept."""
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key]
        frame = make()
        frame.setflags(write=False)
        with self._lock:
            if key not in self._frames:
                self._frames[key] = frame
                self._num_bytes += frame.nbytes
            while self._num_bytes > self._max_mb * _MEGABYTE:
                self._num_bytes -= self._frames.popitem(last=False)[1].nbytes
        return frame


class FolderTextures:
    """The images of a folder and its subfolders, in the order of their names.

    Raises:
        DatasetError: the folder does not exist, or holds no image.
    """

    def __init__(self, folder: Path, *, max_cache_mb: float = 256.0) -> None:
        if not folder.is_dir():
            raise DatasetError(
                f"the texture folder {folder} does not exist; name a folder of images, or none"
            )
        files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
        self.paths = tuple(sorted(files, key=lambda path: path.relative_to(folder).as_posix()))
        if not self.paths:
            raise DatasetError(
                f"the texture folder {folder} holds no image ({', '.join(sorted(_SUFFIXES))}); "
                "name another folder, or none for drawn textures"
            )
        self._cache = FrameCache(max_cache_mb)

    def __len__(self) -> int:
        return len(self.paths)

    def sample(self, rng: np.random.Generator, shape_hw: tuple[int, int]) -> Frame:
        return self.texture(int(rng.integers(len(self.paths))), shape_hw)

    def texture(self, index: int, shape_hw: tuple[int, int]) -> Frame:
        """Return image number `index`, stretched to the size.

        Raises:
            ImageError: the file cannot be read; it is named.
        """
        return self._cache.get(
            (index, shape_hw), lambda: resize_frame(read_frame(self.paths[index]), size_hw=shape_hw)
        )


class ProceduralTextures:
    """A fixed bank of drawn textures, each drawn when it is first asked for; the same for the same seed."""

    def __init__(self, seed: int, *, num_textures: int = 64, max_cache_mb: float = 256.0) -> None:
        self._seed = seed
        self._num_textures = num_textures
        self._cache = FrameCache(max_cache_mb)

    def __len__(self) -> int:
        return self._num_textures

    def sample(self, rng: np.random.Generator, shape_hw: tuple[int, int]) -> Frame:
        return self.texture(int(rng.integers(self._num_textures)), shape_hw)

    def texture(self, index: int, shape_hw: tuple[int, int]) -> Frame:
        """Return texture number `index` of the bank at the size."""
        return self._cache.get((index, shape_hw), lambda: draw_texture(self._seed, index, shape_hw))
