"""What the hub asks of the store: take a result and say, after the commit, whether it is kept."""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.result import Photo, Result, ShadowAnswer
from inspector.postprocess import Thresholds


class Receipt(Protocol):
    """What became of a result. `reason` says why it was not stored, or why its files were not kept."""

    @property
    def stored(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    @property
    def kept_files(self) -> bool: ...


class ThresholdVersion(Protocol):
    """The device's own thresholds of a model; `version` counts from 1."""

    @property
    def version(self) -> int: ...

    @property
    def thresholds(self) -> Thresholds: ...


class ResultStore(Protocol):
    """Keeps results; `edge_app.store.Store` is one. No call waits for the disk."""

    def begin(self, result_id: str, created_ms: int, photo: Photo, *, map_hw: Tuple[int, int]) -> None:
        """Start to write a photo whose result is being found out; `add` or `forget` follows.

        A map of `map_hw` is expected.
        """

    def begin_score(self, result_id: str, score: np.ndarray) -> None:
        """Start to write the score map of a begun photo while it is judged."""

    def forget(self, result_id: str) -> None:
        """Let go what was begun: no result comes."""

    def add(self, result: Result) -> "Future[Any]":
        """Store the result; the future has its Receipt after the commit, or says why there was none."""

    def attach_shadow(self, result_id: str, shadow: ShadowAnswer) -> "Future[None]":
        """Add what the shadow model said, later than the result itself."""

    def current_thresholds(self, model_digest: str) -> Optional[ThresholdVersion]:
        """Return the thresholds that were set on this device for the model, if any."""


@dataclass(frozen=True)
class Stored:
    """A result that was acknowledged, and what the store said of it."""

    result: Result
    receipt: Receipt


@dataclass(frozen=True)
class NotKept:
    """The receipt of a result that is in memory only."""

    reason: str
    stored: bool = False
    kept_files: bool = False
