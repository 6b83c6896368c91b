"""What both machines are given: a bundle and photos of the built-in part, good and defective."""

import argparse
import shutil
from pathlib import Path
from typing import Iterator, Optional, Tuple

import cv2
import numpy as np

from inspector.demo_part import DEFECT_KINDS, render_defect, render_good
from inspector.shipped import shipped_bundle

NUM_GOOD = 3
SIZES_PX = (256, 200, 384)  # also resized on the way to the network
BUNDLE, PHOTOS = "part.bundle", "photos"


def main() -> None:
    """Parse the command line and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bundle", type=Path)
    given = parser.parse_args()
    put_bundle(given.bundle or shipped_bundle(), given.folder / BUNDLE)
    write_photos(given.folder)


def put_bundle(source: Optional[Path], target: Path) -> None:
    """Copy a bundle, a folder or a file; without one, write a tiny one."""
    if source is None:
        from tests.tiny_bundle import write_tiny_bundle

        write_tiny_bundle(target)
    elif source.is_dir():
        shutil.copytree(str(source), str(target))
    else:
        shutil.copy(str(source), str(target))


def write_photos(folder: Path) -> None:
    """Draw the photos into a folder of `folder`."""
    (folder / PHOTOS).mkdir()
    for name, frame in photos():
        cv2.imwrite(str(folder / PHOTOS / f"{name}.png"), frame)


def photos() -> Iterator[Tuple[str, np.ndarray]]:
    """Yield names and frames, uint8 (H, W, 3) BGR."""
    rng = np.random.default_rng(7)
    for number in range(NUM_GOOD):
        yield f"good_{number}", render_good(rng, size_px=SIZES_PX[number % len(SIZES_PX)])
    for number, kind in enumerate(DEFECT_KINDS):
        frame, _ = render_defect(kind, rng, size_px=SIZES_PX[number % len(SIZES_PX)])
        yield kind, frame


if __name__ == "__main__":
    main()
