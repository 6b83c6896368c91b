"""Curves and histograms as frames, drawn with OpenCV: no plotting library is needed on the device."""

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import cv2
import numpy as np

WIDTH_PX, HEIGHT_PX = 720, 540
LEFT, RIGHT, TOP, BOTTOM = 80, 30, 50, 70
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, GRID = (40, 40, 40), (225, 225, 225)
BLUE, RED, GRAY = (180, 110, 30), (40, 30, 210), (120, 120, 120)
Colour = Tuple[int, int, int]


@dataclass(frozen=True)
class Axis:
    """A range of values and its title; ticks at `ticks`."""

    title: str
    low: float
    high: float
    ticks: Tuple[float, ...]


UNIT_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def pr_plot(recall: np.ndarray, precision: np.ndarray, *, prior: float) -> np.ndarray:
    """Return a precision-recall curve with its area, and chance: the share `prior` of defective pixels."""
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    x = Axis("recall", 0.0, 1.0, UNIT_TICKS)
    y = Axis("precision", 0.0, 1.0, UNIT_TICKS)
    frame = _canvas(f"Pixel precision-recall at network input size, AUPR {area:.4f}", x, y)
    _polyline(frame, [_at(x, y, 0.0, prior), _at(x, y, 1.0, prior)], GRAY, width=1)
    _polyline(frame, [_at(x, y, r, p) for r, p in _steps(recall, precision)], BLUE, width=2)
    _legend(frame, [("network", BLUE), (f"chance ({prior:.4f})", GRAY)], top_px=TOP + 16)
    return frame


def score_plot(
    good: Sequence[float], defective: Sequence[float], *, fail: float, review: float, bins: int = 40
) -> np.ndarray:
    """Return histograms of the image scores of good and defective parts, with both thresholds."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    shares = [np.histogram(v, edges)[0] / max(len(v), 1) for v in (good, defective)]
    top = max(float(max(share.max() for share in shares)), 0.05)
    x = Axis("image score", 0.0, 1.0, UNIT_TICKS)
    y = Axis("share of parts", 0.0, top, tuple(np.linspace(0.0, top, 6).tolist()))
    frame = _canvas("Image scores of the test parts", x, y)
    for share, colour in zip(shares, (BLUE, RED)):
        _bars(frame, x, y, edges, share, colour)
    for value, text in ((review, "review"), (fail, "fail")):
        left, bottom = _at(x, y, value, 0.0)
        cv2.line(frame, (left, TOP), (left, bottom), INK, 1, cv2.LINE_AA)
        _text(frame, text, (left + 4, TOP + (14 if text == "fail" else 30)), 0.42)
    _legend(
        frame,
        [(f"good ({len(good)})", BLUE), (f"defective ({len(defective)})", RED)],
        top_px=TOP + 56,
    )
    return frame


def pr_curve(good: np.ndarray, defective: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return recall and precision at each bin edge, from counts a bin in rising order of score."""
    hits = np.cumsum(defective[::-1]).astype(np.float64)
    alarms = np.cumsum(good[::-1]).astype(np.float64)
    some = hits + alarms > 0
    recall = hits[some] / max(float(hits[-1]), 1.0)
    precision = hits[some] / (hits + alarms)[some]
    return recall, precision


def _steps(recall: np.ndarray, precision: np.ndarray) -> List[Tuple[float, float]]:
    """Return the corners of the step function whose area the AUPR is."""
    corners: List[Tuple[float, float]] = []
    before = 0.0
    for r, p in zip(recall.tolist(), precision.tolist()):
        corners += [(before, p), (r, p)]
        before = r
    return corners


def _canvas(title: str, x: Axis, y: Axis) -> np.ndarray:
    frame = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)
    for tick in x.ticks:
        left, bottom = _at(x, y, tick, y.low)
        cv2.line(frame, (left, TOP), (left, bottom), GRID, 1)
        _text(frame, f"{tick:.1f}", (left - 11, bottom + 20), 0.42)
    for tick in y.ticks:
        left, bottom = _at(x, y, x.low, tick)
        cv2.line(frame, (left, bottom), (WIDTH_PX - RIGHT, bottom), GRID, 1)
        _text(frame, f"{tick:.2f}", (left - 42, bottom + 4), 0.42)
    cv2.rectangle(frame, (LEFT, TOP), (WIDTH_PX - RIGHT, HEIGHT_PX - BOTTOM), INK, 1)
    _text(frame, title, (LEFT, TOP - 18), 0.6)
    _text(frame, x.title, ((LEFT + WIDTH_PX - RIGHT) // 2 - 4 * len(x.title), HEIGHT_PX - 22), 0.5)
    _upright_text(frame, y.title)
    return frame


def _at(x: Axis, y: Axis, value_x: float, value_y: float) -> Tuple[int, int]:
    across = (value_x - x.low) / (x.high - x.low)
    up = (value_y - y.low) / (y.high - y.low)
    return (
        round(LEFT + across * (WIDTH_PX - RIGHT - LEFT)),
        round(HEIGHT_PX - BOTTOM - up * (HEIGHT_PX - BOTTOM - TOP)),
    )


def _bars(frame: np.ndarray, x: Axis, y: Axis, edges: np.ndarray, share: np.ndarray, colour: Colour) -> None:
    """Half-transparent bars, so that both histograms can be seen where they overlap."""
    painted = frame.copy()
    for low, high, height in zip(edges[:-1], edges[1:], share):
        if height > 0:
            corners = _at(x, y, float(low), float(height)), _at(x, y, float(high), 0.0)
            cv2.rectangle(painted, corners[0], corners[1], colour, cv2.FILLED)
    cv2.addWeighted(painted, 0.55, frame, 0.45, 0, dst=frame)


def _polyline(frame: np.ndarray, points: List[Tuple[int, int]], colour: Colour, *, width: int) -> None:
    cv2.polylines(frame, [np.array(points, np.int32).reshape(-1, 1, 2)], False, colour, width, cv2.LINE_AA)


def _legend(frame: np.ndarray, entries: Sequence[Tuple[str, Colour]], *, top_px: int) -> None:
    left = WIDTH_PX - RIGHT - 190
    for row, (text, colour) in enumerate(entries):
        middle = top_px + 20 * row
        cv2.rectangle(frame, (left, middle - 5), (left + 18, middle + 5), colour, cv2.FILLED)
        _text(frame, text, (left + 26, middle + 5), 0.45)


def _text(frame: np.ndarray, text: str, origin: Tuple[int, int], size: float) -> None:
    cv2.putText(frame, text, origin, FONT, size, INK, 1, cv2.LINE_AA)


def _upright_text(frame: np.ndarray, text: str) -> None:
    (width, height), below = cv2.getTextSize(text, FONT, 0.5, 1)
    label = np.full((height + 2 * below, width + 4, 3), 255, np.uint8)
    _text(label, text, (2, height + below // 2), 0.5)
    turned = cv2.rotate(label, cv2.ROTATE_90_COUNTERCLOCKWISE)
    top = (TOP + HEIGHT_PX - BOTTOM - turned.shape[0]) // 2
    frame[top : top + turned.shape[0], 8 : 8 + turned.shape[1]] = turned
