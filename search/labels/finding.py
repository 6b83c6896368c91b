"""One thing that a check found: the proposal of the patch, and what the page shows beside it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inspector.patch import Proposal
from inspector.render import encode_jpeg, overlay

THUMB_PX = 300
JPEG_QUALITY = 78

LABEL, CONTAMINATED, MASK, DUPLICATE, UNREADABLE, ODD = (
    "label",
    "contaminated",
    "mask",
    "duplicate",
    "unreadable",
    "odd",
)
KIND_NAMES = {
    LABEL: "wrong class",
    CONTAMINATED: "defect among the good",
    MASK: "mask",
    DUPLICATE: "duplicate",
    UNREADABLE: "unreadable",
    ODD: "odd photo",
}

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Finding:
    """A proposal with the pictures and figures of its card.

    facts: (name, value) pairs.  map: heat over the photo, None where nothing was mapped.  shown: the proposed
    label for people, where that of the patch is not readable.
    """

    proposal: Proposal
    facts: tuple[tuple[str, str], ...] = ()
    thumb: bytes = b""
    map: bytes | None = None
    shown: str = ""


def proposal_id(kind: str, file: str, proposed: str) -> str:
    """Return an id that is the same whenever the same is proposed again."""
    return f"{kind}-{hashlib.sha256(f'{file}:{proposed}'.encode()).hexdigest()[:16]}"


def propose(
    kind: str,
    file: str,
    *,
    given: str,
    proposed: str,
    score: float | None = None,
    margin: float | None = None,
) -> Proposal:
    """Return an open proposal; figures are rounded to what a person can use."""
    return Proposal(
        id=proposal_id(kind, file, proposed),
        file=file,
        given=given,
        proposed=proposed,
        score=None if score is None else round(score, 4),
        margin=None if margin is None else round(margin, 4),
        kind=kind,
    )


def thumbnail(frame: Frame) -> bytes:
    """Return a frame as a small JPEG."""
    return encode_jpeg(shrunk(frame), quality=JPEG_QUALITY)


def mapped(
    frame: Frame, score: npt.NDArray[np.float32], *, box: tuple[int, int, int, int] | None = None
) -> bytes:
    """Return the score map over the small frame as a JPEG, with the suspicious box outlined.

    Args:
        box: left, top, width, height in thousandths of the photo.
    """
    small = overlay(shrunk(frame), score)
    if box is not None:
        height, width = small.shape[:2]
        left, top = round(box[0] / 1000 * width), round(box[1] / 1000 * height)
        right, bottom = round((box[0] + box[2]) / 1000 * width), round((box[1] + box[3]) / 1000 * height)
        cv2.rectangle(small, (left, top), (right - 1, bottom - 1), (255, 255, 255), 3)
        cv2.rectangle(small, (left, top), (right - 1, bottom - 1), (30, 30, 220), 1)
    return encode_jpeg(small, quality=JPEG_QUALITY)


def shrunk(frame: Frame) -> Frame:
    """Return a frame whose longer side is at most `THUMB_PX`."""
    height, width = frame.shape[:2]
    scale = min(1.0, THUMB_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as an address that needs no file."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
