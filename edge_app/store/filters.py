"""What a list of results is asked for, and the cursor that goes on where a page ended."""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

from edge_app.services.result import Outcome
from edge_app.store.records import DECISIONS
from inspector.errors import InputError

DECISION_CHOICES = (*DECISIONS, "none", "any")
SCORE_BINS = 32


class Key(NamedTuple):
    """Where a result stands in time; `seq` decides between results of one millisecond."""

    created_ms: int
    seq: int


@dataclass(frozen=True)
class ResultFilter:
    """Which results; every field that is None leaves all of them.

    from_ms, to_ms: created at or after `from_ms`, before `to_ms`.
    model: a bundle's digest.  min_score, max_score: inclusive; a result without a score is never inside.
    decision: the operator's last word, `none` for undecided results, `any` for decided ones.
    shadow_disagrees: the shadow model's outcome was another one.
    """

    from_ms: Optional[int] = None
    to_ms: Optional[int] = None
    sources: Optional[Tuple[str, ...]] = None
    lot: Optional[str] = None
    outcomes: Optional[Tuple[Outcome, ...]] = None
    model: Optional[str] = None
    min_score: Optional[float] = None
    max_score: Optional[float] = None
    decision: Optional[str] = None
    shadow_disagrees: Optional[bool] = None

    def __post_init__(self) -> None:
        if self.decision is not None and self.decision not in DECISION_CHOICES:
            raise InputError(f"decision is {self.decision!r}; choose one of {', '.join(DECISION_CHOICES)}")

    @property
    def asks_score(self) -> bool:
        """Whether the score matters."""
        return self.min_score is not None or self.max_score is not None


def score_bin(score: float) -> int:
    """Return which of the 32 equal bins of 0..1 holds `score`."""
    return min(SCORE_BINS - 1, max(0, int(score * SCORE_BINS)))


def score_bits(low: Optional[float], high: Optional[float]) -> int:
    """Return a bit for every bin that scores from `low` to `high` can be in; 0 when there are none."""
    first = score_bin(0.0 if low is None else low)
    last = score_bin(1.0 if high is None else high)
    return sum(1 << index for index in range(first, last + 1))


def encode_cursor(key: Tuple[int, int]) -> str:
    """Return `key` as a short text for a URL."""
    body = f"{key[0]}.{key[1]}"
    return base64.urlsafe_b64encode(f"{body}.{_checksum(body)}".encode("ascii")).decode("ascii").rstrip("=")


def decode_cursor(cursor: str) -> Key:
    """Return the key that `encode_cursor` was given.

    Raises:
        InputError: this is not one of our cursors.
    """
    try:
        text = base64.urlsafe_b64decode((cursor + "=" * (-len(cursor) % 4)).encode("ascii")).decode("ascii")
        body, _, checksum = text.rpartition(".")
        if checksum != _checksum(body) or encode_cursor(_key(body)) != cursor:
            raise ValueError("checksum")
        return _key(body)
    except (ValueError, binascii.Error) as error:  # UnicodeError is a ValueError
        raise InputError(
            f"{cursor[:40]!r} is not a cursor of this server; use `next_cursor` of the page before, or none"
        ) from error


def _key(body: str) -> Key:
    created_ms, seq = body.split(".")
    key = Key(int(created_ms), int(seq))
    if not all(-(2**63) <= value < 2**63 for value in key):
        raise ValueError("out of range")
    return key


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode('ascii')):08x}"
