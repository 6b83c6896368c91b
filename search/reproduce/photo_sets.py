"""The photos of chapter 5's tables: five classes of MVTec-AD, a real data set at hand, or the built-in part.

Source: [D] Sec. 5.3.1: the networks are searched on capsule and trained again for the other classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inspector.demo_part.dataset import write_demo_part
from inspector.errors import InputError
from search.reproduce.experiment import Options

MVTEC_CLASSES = ("capsule", "bottle", "cable", "hazelnut", "metal_nut")  # the searched one first
TILE = "magnetic_tile"
TEXTURE_FOLDERS = ("dtd", "dtd_256")
PART, PART_SEED = "part", 0  # the drawn photos stay the same for all seeds of a training


@dataclass(frozen=True)
class PhotoSet:
    """A data set of a table; `folder` is None for the built-in part, which is drawn beside the rows."""

    key: str
    heading: str
    folder: Path | None

    def root(self, beside: Path) -> Path:
        """Return where its photos are; the built-in part is drawn once, into the folder `beside`."""
        if self.folder is not None:
            return self.folder
        drawn = beside / f"photos-{self.key}"
        if not drawn.exists():
            write_demo_part(drawn, seed=PART_SEED)
        return drawn


def photo_sets(options: Options) -> list[PhotoSet]:
    """Return the data sets of a table, the one that is searched on first.

    `paper`: MVTec-AD's classes below --data. `cpu`: the magnetic tiles below --data, or --data itself.
    `quick`: the built-in part.

    Raises:
        InputError: a folder is missing.
    """
    if options.preset == "quick":
        return [PhotoSet(PART, "built-in part", None)]
    if options.data is None:
        raise InputError(f"the preset {options.preset} needs real data: --data FOLDER; quick draws its own")
    if options.preset == "paper":
        missing = [name for name in MVTEC_CLASSES if not (options.data / name).is_dir()]
        if missing:
            raise InputError(
                f"the preset paper needs MVTec-AD's folders {', '.join(MVTEC_CLASSES)} in {options.data}; "
                f"{', '.join(missing)} are not there (`inspector data download` names what it fetches)"
            )
        return [PhotoSet(name, name.replace("_", " "), options.data / name) for name in MVTEC_CLASSES]
    tile = options.data / TILE
    folder = tile if tile.is_dir() else options.data
    return [PhotoSet(folder.name, folder.name.replace("_", " "), folder)]


def textures(options: Options) -> Path | None:
    """Return the folder of DTD in --data or beside it, or None: then textures are procedural."""
    if options.data is None or options.preset == "quick":
        return None
    places = [place / name for place in (options.data, options.data.parent) for name in TEXTURE_FOLDERS]
    return next((place for place in places if place.is_dir()), None)
