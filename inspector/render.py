"""Pictures for people: heat maps, overlays with verdict, contact sheets, and their bytes.

All colours are BGR. Line widths and letters scale with the picture, from 64 to some thousand pixels.
"""

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from inspector.errors import InspectorError
from inspector.postprocess import Judgement, Verdict

Colour = Tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
TRUTH_COLOUR: Colour = (255, 220, 0)
VERDICT_COLOURS = {Verdict.PASS: (64, 140, 30), Verdict.REVIEW: (0, 180, 255), Verdict.FAIL: (40, 30, 210)}
VERDICT_INK = {Verdict.PASS: WHITE, Verdict.REVIEW: BLACK, Verdict.FAIL: WHITE}
BRIGHTEST_TURBO = 0.88  # a vivid red; the colours beyond are too dark on dark parts
FAINT = 0.1  # lower scores are not painted, so that good parts look untouched
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Tile:
    """One cell of a contact sheet: a frame, a line of text, and the true mask (of any size) to outline."""

    frame: np.ndarray
    caption: str = ""
    mask: Optional[np.ndarray] = None


def heat_map(score: np.ndarray) -> np.ndarray:
    """Return the score map as a frame: black at 0 over red to pale yellow at 1, brighter means more."""
    return _coloured(score, cv2.COLORMAP_INFERNO)


def overlay(
    frame: np.ndarray, score: np.ndarray, *, judgement: Optional[Judgement] = None, alpha: float = 0.65
) -> np.ndarray:
    """Return a copy of the frame with the score painted over it, the more strongly the higher it is.

    Args:
        score: (H, W) in 0..1, any size; enlarged to the frame.
        judgement: Also draw the contours of its regions and its verdict; at score or frame size.
        alpha: Opacity where the score is 1; it falls to 0 at a score of 0.1, and lower ones leave no trace.
    """
    height, width = frame.shape[:2]
    score = np.clip(cv2.resize(np.asarray(score, np.float32), (width, height)), 0.0, 1.0)
    opacity = np.where(score > FAINT, alpha * (score - FAINT) / (1 - FAINT), 0).astype(np.float32)
    colour = _coloured(BRIGHTEST_TURBO * score, cv2.COLORMAP_TURBO)
    # By OpenCV, outside Python's lock: on a device this runs beside the inspection.
    picture = cv2.blendLinear(frame, colour, 1 - opacity, opacity)
    if judgement is None:
        return picture
    for region in judgement.scaled_to((height, width)).regions:
        _draw_outline(picture, np.array(region.contour, np.int32), VERDICT_COLOURS[judgement.verdict])
    _draw_badge(picture, judgement.verdict)
    return picture


def contact_sheet(tiles: Sequence[Tile], *, columns: int, cell_px: int = 256) -> np.ndarray:
    """Return the tiles on white, row by row, in square cells of `cell_px` with the caption below each.

    Frames keep their aspect ratio. Captions that are too long are cut; letters beyond ASCII become "?".

    Raises:
        InspectorError: no tiles, no columns, or cells under 32 px.
    """
    if not tiles or columns < 1 or cell_px < 32:
        raise InspectorError(
            "a contact sheet needs tiles, columns and cells of 32 px or more, but there are "
            f"{len(tiles)} tiles, {columns} columns and {cell_px} px"
        )
    margin, text_px = max(4, cell_px // 24), max(14, cell_px // 11)
    num_rows = -(-len(tiles) // columns)
    pitch_x, pitch_y = cell_px + margin, cell_px + text_px + margin
    sheet = np.full((num_rows * pitch_y + margin, columns * pitch_x + margin, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = margin + row * pitch_y, margin + column * pitch_x
        sheet[top : top + cell_px, left : left + cell_px] = _fit(tile, cell_px)
        _draw_caption(sheet, tile.caption, left, top + cell_px, cell_px, text_px)
    return sheet


def encode_png(frame: np.ndarray) -> bytes:
    """Return the frame, or a mask (H, W), as a PNG file."""
    return _encode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 3])


def encode_jpeg(frame: np.ndarray, *, quality: int = 90) -> bytes:
    """Return the frame as a JPEG file; `quality` from 1 to 100."""
    return _encode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode(suffix: str, frame: np.ndarray, parameters: Sequence[int]) -> bytes:
    try:
        done, data = cv2.imencode(suffix, frame, list(parameters))
    except cv2.error as error:
        raise InspectorError(
            f"cannot write a picture {frame.dtype} {frame.shape} as {suffix}: {error}"
        ) from error
    if not done:
        raise InspectorError(f"cannot write a picture {frame.dtype} {frame.shape} as {suffix}")
    return bytes(data.tobytes())


def _coloured(score: np.ndarray, colour_map: int) -> np.ndarray:
    """Return BGR colours of a map (H, W) in a last axis; OpenCV 5 kills the process on an empty one."""
    if score.size == 0:
        return np.zeros((*score.shape, 3), np.uint8)
    levels = cv2.convertScaleAbs(np.clip(score, 0.0, 1.0), alpha=255)  # rounds
    return np.asarray(cv2.applyColorMap(levels, colour_map))


def _line_px(picture: np.ndarray) -> int:
    shorter: int = min(picture.shape[:2])
    return max(1, round(shorter / 250))


def _draw_outline(picture: np.ndarray, contour: np.ndarray, colour: Colour) -> None:
    """Draw a closed line with a dark rim, so that it shows on light and on dark parts."""
    width = _line_px(picture)
    points = contour.reshape(-1, 1, 2)
    if width > 1:
        cv2.polylines(picture, [points], True, BLACK, width + 2, cv2.LINE_AA)
    cv2.polylines(picture, [points], True, colour, width, cv2.LINE_AA)


def _draw_badge(picture: np.ndarray, verdict: Verdict) -> None:
    """Write the verdict on a coloured plate with a white rim into the upper left corner."""
    height, width = picture.shape[:2]
    size = max(0.3, min(height, width) / 450)
    stroke = max(1, round(1.8 * size))
    (text_width, text_height), _ = cv2.getTextSize(verdict.value, FONT, size, stroke)
    pad = max(2, round(0.45 * text_height))
    right, bottom = text_width + 2 * pad, text_height + 2 * pad
    rim = _line_px(picture)
    cv2.rectangle(picture, (0, 0), (right + rim, bottom + rim), WHITE, cv2.FILLED)
    cv2.rectangle(picture, (0, 0), (right, bottom), VERDICT_COLOURS[verdict], cv2.FILLED)
    origin = (pad, pad + text_height)
    cv2.putText(picture, verdict.value, origin, FONT, size, VERDICT_INK[verdict], stroke, cv2.LINE_AA)


def _fit(tile: Tile, cell_px: int) -> np.ndarray:
    """Return the tile's frame in the middle of a white square, with its true mask outlined."""
    height, width = tile.frame.shape[:2]
    scale = cell_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(tile.frame, size, interpolation=way)
    if tile.mask is not None:
        drawn = cv2.resize((tile.mask != 0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        for contour in cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            _draw_outline(small, contour, TRUTH_COLOUR)
    cell = np.full((cell_px, cell_px, 3), 255, np.uint8)
    left, top = (cell_px - size[0]) // 2, (cell_px - size[1]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def _draw_caption(sheet: np.ndarray, text: str, left: int, top: int, cell_px: int, text_px: int) -> None:
    text = text.encode("ascii", "replace").decode("ascii")
    size = text_px / 42
    stroke = max(1, round(1.6 * size))

    def width_of(candidate: str) -> int:
        return int(cv2.getTextSize(candidate, FONT, size, stroke)[0][0])

    if width_of(text) > cell_px:
        while text and width_of(text + "...") > cell_px:
            text = text[:-1]
        text += "..."
    cv2.putText(sheet, text, (left, top + round(0.75 * text_px)), FONT, size, BLACK, stroke, cv2.LINE_AA)
