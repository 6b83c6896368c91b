"""A picture a style: good photos with drawn defects, and below each its mask.

    python -m search.defects.contact_sheet --out docs/images
    python -m search.defects.contact_sheet --photos FOLDER --out sheets

Without photos of your own, the built-in part is drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from inspector.dataset import open_dataset
from inspector.demo_part.scene import render_good
from inspector.errors import InspectorError
from inspector.output_file import write_file
from inspector.render import encode_png
from search.defects.choose import STYLES, make_style, make_textures
from search.defects.compose import sample_rng
from search.defects.style import Defective, DefectStyle, Frame
from search.recipe import DefectsRecipe
from search.training.feed import load_frames

GAP_PX = 4
WHITE = 255


def contact_sheet(
    style: DefectStyle, frames: Sequence[Frame], *, seed: int, columns: int, rows: int
) -> Frame:
    """Return frames with defects that are not empty, row by row, each above its mask; white gaps between."""
    cells: list[Frame] = []
    index = 0
    while len(cells) < columns * rows:
        drawn = style(frames[index % len(frames)], sample_rng(seed=seed, epoch=0, index=index))
        index += 1
        if drawn.mask.any() or index > 20 * columns * rows:
            cells.append(_cell(drawn))
    strips = [cv2.hconcat(cells[row * columns : (row + 1) * columns]) for row in range(rows)]
    return np.asarray(cv2.vconcat(strips)[:-GAP_PX, :-GAP_PX], np.uint8)


def _cell(drawn: Defective) -> Frame:
    mask = cv2.cvtColor(drawn.mask * np.uint8(WHITE), cv2.COLOR_GRAY2BGR)
    both = cv2.vconcat([drawn.frame, mask])
    return np.asarray(
        cv2.copyMakeBorder(both, 0, GAP_PX, 0, GAP_PX, cv2.BORDER_CONSTANT, value=(WHITE, WHITE, WHITE)),
        np.uint8,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write defects_STYLE.png for every style that is asked for; returns the exit status."""
    args = _parse(arguments)
    try:
        frames = _frames(args.photos, num=args.columns * args.rows, size_px=args.size)
        recipe = DefectsRecipe()
        textures = make_textures(recipe, seed=args.seed)
        args.out.mkdir(parents=True, exist_ok=True)
        for name in args.styles:
            style = make_style(recipe.model_copy(update={"style": name}), textures, frames)
            sheet = contact_sheet(style, frames, seed=args.seed, columns=args.columns, rows=args.rows)
            file = args.out / f"defects_{name}.png"
            write_file(file, encode_png(sheet))
            print(file)
    except InspectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m search.defects.contact_sheet",
        description="Draw a sheet of defects for each style.",
        epilog="Example: python -m search.defects.contact_sheet --photos data/good --out sheets",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for defects_STYLE.png")
    parser.add_argument("--photos", type=Path, help="a data set; without it, the built-in part is drawn")
    parser.add_argument("--styles", nargs="+", choices=list(STYLES), default=list(STYLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=160, help="side of a picture, pixels")
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--rows", type=int, default=1)
    return parser.parse_args(arguments)


def _frames(photos: Path | None, *, num: int, size_px: int) -> list[Frame]:
    if photos is None:
        return [render_good(np.random.default_rng((0, index)), size_px=size_px) for index in range(num)]
    return load_frames(open_dataset(photos).train[:num], size_hw=(size_px, size_px))


if __name__ == "__main__":
    sys.exit(main())
