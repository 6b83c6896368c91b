"""Folders of images and masks as records: what trains, what tests, and a fingerprint of it all."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Tuple

from inspector.errors import DatasetError, ImageError
from inspector.groups import GROUPS_FILE, TILE_GROUPS_FILE
from inspector.image_file import another_size, decode_frame, read_checked_header, read_frame, read_mask
from inspector.layouts import Sample, survey
from inspector.split import Split, split_good

__all__ = [
    "Dataset",
    "Sample",
    "Split",
    "decode_frame",
    "open_dataset",
    "read_frame",
    "read_mask",
    "split_good",
]


@dataclass(frozen=True)
class Dataset:
    """A checked folder: `train` holds good images only, `test` good ones and defects with masks.

    notes: sentences about what was left out, and why.
    """

    root: Path
    layout: str
    train: Tuple[Sample, ...]
    test: Tuple[Sample, ...]
    notes: Tuple[str, ...] = ()

    @property
    def test_good(self) -> Tuple[Sample, ...]:
        return tuple(sample for sample in self.test if sample.is_good)

    @property
    def test_defects(self) -> Tuple[Sample, ...]:
        return tuple(sample for sample in self.test if not sample.is_good)

    def files(self) -> Iterator[Path]:
        """Yield every file that belongs to the data set: images, masks, and the file of groups."""
        for sample in self.train + self.test:
            yield sample.path
            if sample.mask_path is not None:
                yield sample.mask_path
        for name in (GROUPS_FILE, TILE_GROUPS_FILE):
            if (self.root / name).is_file():
                yield self.root / name

    def check_files(self) -> None:
        """Check size, header and end of every image and mask, so that no long work stops at the last file.

        Nothing is decoded: a run may call this without having looked at a real defect.

        Raises:
            ImageError: an image is damaged, cut off or above the pixel limit; the file is named.
            DatasetError: a mask is, or it has another size than its image.
        """
        for sample in self.train + self.test:
            image = read_checked_header(sample.path)
            if sample.mask_path is None:
                continue
            try:
                mask = read_checked_header(sample.mask_path)
            except ImageError as error:
                raise DatasetError(f"mask {error}") from error
            image_wh, mask_wh = (image.width, image.height), (mask.width, mask.height)
            if sorted(mask_wh) != sorted(image_wh):  # EXIF may lay an image on its side
                raise another_size(sample.mask_path, mask_wh=mask_wh, image_wh=image_wh)

    def fingerprint(self) -> str:
        """Return the sha256, in hex, over name, size and content of all files, in the order of names.

        It does not depend on where the folder lies.
        """
        total = hashlib.sha256()
        for path in sorted(self.files(), key=lambda path: path.relative_to(self.root).as_posix()):
            content = path.read_bytes()
            name = path.relative_to(self.root).as_posix()
            total.update(f"{name}\0{len(content)}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        return total.hexdigest()


def open_dataset(root: Path, *, layout: str = "auto") -> Dataset:
    """Read a folder in one of the layouts `mvtec`, `plain`, `magnetic_tile`.

    Images are not opened here: a damaged one is an ImageError of `read_frame`, a mask of another size a
    DatasetError of `read_mask`. No group that holds a test defect is in `train`. Magnetic tiles whose mask is
    empty are left out, which `notes` tells.

    Raises:
        DatasetError: no folder, no good images, a defect without mask or a mask without image, or a
            groups.csv that does not fit; the sentence names the files and what to do.
    """
    found = survey(Path(root), layout=layout)
    if found.fatal:
        raise DatasetError(f"{found.root}: {found.fatal[0].sentence()}")
    notes = tuple(problem.sentence() for problem in found.notes)
    return Dataset(found.root, found.layout, tuple(found.train), tuple(found.test), notes)
