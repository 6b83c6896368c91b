"""Which part of a frame is inspected, and how the score map of that part lies on the frame.

Legend:  box  the frame's rectangle that the map covers   map  the score map, one tile or many
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from inspector.errors import InputError
from inspector.postprocess import Judgement, Region, Thresholds, judge, smooth, smoothing_window

Point = Tuple[float, float]
Polygon = Tuple[Point, ...]
Size = Tuple[int, int]

MAX_POLYGONS, MAX_POINTS = 64, 256
MAX_MAP_PX = 50_000_000  # as many as a photo may have; float32, a few times over
MIN_BOX_PX = 8
_SHIFT = 8  # binary digits after the point in cv2.fillPoly


@dataclass(frozen=True)
class Tiles:
    """Cut the picture into overlapping tiles of the network input's shape.

    size_px: a tile's shorter side in frame pixels; None: the network input's own, so nothing is shrunk.
    overlap: the least share of a tile that its neighbour sees, too. A defect up to a quarter of the overlap
    in size is whole in every tile that is asked about it.
    """

    size_px: Optional[int] = None
    overlap: float = 0.25

    def __post_init__(self) -> None:
        if self.size_px is not None and self.size_px < MIN_BOX_PX:
            raise InputError(f"a tile is {self.size_px} px wide, but at least {MIN_BOX_PX} are needed")
        if not 0 <= self.overlap <= 0.5:
            raise InputError(f"tiles overlap by {self.overlap:g} of their side; give 0 to 0.5")


@dataclass(frozen=True)
class View:
    """What of a frame counts. Points are (x, y) as shares of its width and height, 0..1, so any size fits.

    roi: one polygon: only its bounding box is looked at and only its inside counts; empty: the whole frame.
    ignore: polygons whose inside never counts.
    """

    roi: Polygon = ()
    ignore: Tuple[Polygon, ...] = ()
    tiles: Optional[Tiles] = None

    def __post_init__(self) -> None:
        if len(self.ignore) > MAX_POLYGONS:
            raise InputError(f"{len(self.ignore)} areas to ignore; at most {MAX_POLYGONS} are possible")
        if self.roi:
            _check_polygon(self.roi, "the region of interest")
        for number, polygon in enumerate(self.ignore, start=1):
            _check_polygon(polygon, f"area {number} to ignore")

    @property
    def is_plain(self) -> bool:
        """Whether the view is the whole frame in one piece."""
        return self == PLAIN

    def as_record(self) -> Mapping[str, Any]:
        """Return the view as JSON holds it; `of_record` reads it back."""
        tiles = None if self.tiles is None else {"size_px": self.tiles.size_px, "overlap": self.tiles.overlap}
        return {
            "roi": [list(point) for point in self.roi],
            "ignore": [[list(point) for point in polygon] for polygon in self.ignore],
            "tiles": tiles,
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "View":
        """Read what `as_record` gave.

        Raises:
            InputError: a polygon or a tile is not possible.
        """
        tiles = record.get("tiles")
        return cls(
            roi=_polygon(record.get("roi") or ()),
            ignore=tuple(_polygon(polygon) for polygon in record.get("ignore") or ()),
            tiles=None if tiles is None else Tiles(size_px=tiles["size_px"], overlap=tiles["overlap"]),
        )


PLAIN = View()


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows_columns(self) -> Tuple[slice, slice]:
        """Index a frame with it."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True, eq=False)
class Layout:
    """How a score map lies on a frame.

    counts: uint8 of the map's size, 1 where a pixel may make a region; None when all of them may.
    """

    frame_hw: Size
    input_hw: Size
    box: Box
    map_hw: Size
    counts: Optional[np.ndarray]

    def judge(self, score: np.ndarray, thresholds: Thresholds) -> Judgement:
        """Judge a map (H, W) of this layout: window and minimum area are those of one network input."""
        return judge(score, thresholds, window=smoothing_window(self.input_hw), counts=self.counts)

    def smooth(self, score: np.ndarray) -> np.ndarray:
        """Return a map (H, W) of this layout as `judge` compares it with the thresholds, float32."""
        return smooth(score, window=smoothing_window(self.input_hw), counts=self.counts)

    def to_frame(self, judgement: Judgement) -> Judgement:
        """Return the judgement with contours, boxes, areas and mask in pixels of the whole frame."""
        box = self.box
        inside = judgement.scaled_to((box.height, box.width))
        if (box.height, box.width) == self.frame_hw:
            return inside
        mask = np.zeros(self.frame_hw, np.uint8)
        mask[box.rows_columns] = inside.mask
        return replace(inside, mask=mask, regions=tuple(_moved(region, box) for region in inside.regions))

    def score_on_frame(self, score: np.ndarray) -> np.ndarray:
        """Return the map at the frame's size, 0 outside the box, float32: for pictures, not for judging."""
        box = self.box
        whole = np.zeros(self.frame_hw, np.float32)
        whole[box.rows_columns] = cv2.resize(score, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
        return whole


@lru_cache(maxsize=8)
def lay_out(view: View, frame_hw: Size, *, input_hw: Size) -> Layout:
    """Return where the map of a view lies on frames of this size.

    Raises:
        InputError: nothing is left to inspect, the region is too small, or there would be too many tiles.
    """
    box = _box_of(view.roi, frame_hw)
    map_hw = _map_size(view.tiles, (box.height, box.width), input_hw)
    counts = _counting(view, frame_hw, box, map_hw)
    if counts is not None and not counts.any():
        raise InputError("nothing is left to inspect: the areas to ignore cover the whole region of interest")
    return Layout(frame_hw, input_hw, box, map_hw, counts)


def _box_of(roi: Polygon, frame_hw: Size) -> Box:
    height, width = frame_hw
    if not roi:
        return Box(0, 0, width, height)
    xs, ys = [x * width for x, _ in roi], [y * height for _, y in roi]
    left, top = math.floor(min(xs)), math.floor(min(ys))
    box = Box(left, top, math.ceil(max(xs)) - left, math.ceil(max(ys)) - top)
    if min(box.width, box.height) < MIN_BOX_PX:
        raise InputError(
            f"the region of interest is {box.width}x{box.height} px of a {width}x{height} frame; "
            f"at least {MIN_BOX_PX} px a side are needed"
        )
    return box


def _map_size(tiles: Optional[Tiles], box_hw: Size, input_hw: Size) -> Size:
    """The network input's size, or the box at the tiles' scale, never smaller than one input."""
    if tiles is None:
        return input_hw
    scale = 1.0 if tiles.size_px is None else min(input_hw) / tiles.size_px
    height, width = (max(side, round(length * scale)) for side, length in zip(input_hw, box_hw))
    if height * width > MAX_MAP_PX:
        raise InputError(
            f"tiles of {tiles.size_px or min(input_hw)} px are too small for {box_hw[1]}x{box_hw[0]} px: "
            f"the map would be {width}x{height}, more than {MAX_MAP_PX} pixels; take larger tiles"
        )
    return height, width


def _counting(view: View, frame_hw: Size, box: Box, map_hw: Size) -> Optional[np.ndarray]:
    """A map pixel counts when no frame pixel that takes part in it is excluded: the resize itself says so."""
    excluded = np.zeros(frame_hw, np.uint8)
    if view.roi:
        excluded[:] = 1
        _fill(excluded, view.roi, 0)
    for polygon in view.ignore:
        _fill(excluded, polygon, 1)
    inside = excluded[box.rows_columns]
    if not inside.any():
        return None
    shrinks = map_hw[0] <= box.height and map_hw[1] <= box.width
    share = cv2.resize(
        inside.astype(np.float32),
        (map_hw[1], map_hw[0]),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    return np.asarray(share == 0, dtype=np.uint8)


def _fill(picture: np.ndarray, polygon: Polygon, value: int) -> None:
    """Fill a polygon; the pixels that its edge crosses belong to it."""
    height, width = picture.shape
    points = np.array([(x * width - 0.5, y * height - 0.5) for x, y in polygon]) * 2**_SHIFT
    cv2.fillPoly(picture, [np.rint(points).astype(np.int32)], value, shift=_SHIFT)


def _moved(region: Region, box: Box) -> Region:
    return replace(
        region,
        contour=tuple((x + box.x, y + box.y) for x, y in region.contour),
        x=region.x + box.x,
        y=region.y + box.y,
    )


def _polygon(points: Sequence[Sequence[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in points)


def _check_polygon(polygon: Polygon, what: str) -> None:
    if not 3 <= len(polygon) <= MAX_POINTS:
        raise InputError(f"{what} has {len(polygon)} points; a polygon has 3 to {MAX_POINTS}")
    if not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in polygon):
        raise InputError(
            f"{what} has a point outside 0..1; points are shares of the frame's width and height"
        )
    area = cv2.contourArea(np.array(polygon, np.float32).reshape(-1, 1, 2))
    if area <= 0:
        raise InputError(f"{what} has no inside: its points lie on one line")
