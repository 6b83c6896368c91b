"""A hub with fakes around it: models, a store that commits when it is told to, and a host that can swap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.result import ModelVersion, Photo, Result, ShadowAnswer
from edge_app.services.serving import LoadedModel, ModelCard, ServingModel
from inspector.postprocess import Thresholds
from tests.edge_app.app import CARD, BrightnessModel

WAIT_S = 10


@dataclass(frozen=True)
class FakeReceipt:
    stored: bool = True
    reason: str = ""
    kept_files: bool = True


@dataclass(frozen=True)
class FakeVersion:
    version: int
    thresholds: Thresholds


@dataclass
class FakeStore:
    """Commits at once, or when `commit` is called where `holds` is set."""

    holds: bool = False
    added: list[Result] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    begun_scores: dict[str, np.ndarray] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    shadows: dict[str, ShadowAnswer] = field(default_factory=dict)
    thresholds: dict[str, FakeVersion] = field(default_factory=dict)
    error: Exception | None = None
    begin_error: Exception | None = None
    receipt: FakeReceipt = FakeReceipt()
    _open: list[Future[FakeReceipt]] = field(default_factory=list)

    def begin(self, result_id: str, created_ms: int, photo: Photo, *, map_hw: tuple[int, int]) -> None:
        if self.begin_error is not None:
            raise self.begin_error
        self.begun.append(result_id)

    def begin_score(self, result_id: str, score: np.ndarray) -> None:
        if self.begin_error is not None:
            raise self.begin_error
        self.begun_scores[result_id] = score

    def forget(self, result_id: str) -> None:
        self.forgotten.append(result_id)

    def add(self, result: Result) -> Future[FakeReceipt]:
        if self.error is not None:
            raise self.error
        self.added.append(result)
        future: Future[FakeReceipt] = Future()
        if self.holds:
            self._open.append(future)
        else:
            future.set_result(self.receipt)
        return future

    def commit(self) -> None:
        for future in self._open:
            future.set_result(self.receipt)
        self._open.clear()

    def attach_shadow(self, result_id: str, shadow: ShadowAnswer) -> Future[None]:
        self.shadows[result_id] = shadow
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def current_thresholds(self, model_digest: str) -> FakeVersion | None:
        return self.thresholds.get(model_digest)


@dataclass
class FakeHost:
    model: ServingModel
    other: ServingModel | None = None

    @contextmanager
    def serving(self) -> Iterator[ServingModel]:
        yield self.model

    def shadow(self) -> AbstractContextManager[ServingModel] | None:
        return None if self.other is None else self._lend(self.other)

    @contextmanager
    def _lend(self, model: ServingModel) -> Iterator[ServingModel]:
        yield model


def loaded(
    before: Callable[[], None] = lambda: None, *, digest: str = "d1", **changes: object
) -> LoadedModel:
    card: ModelCard = replace(CARD, digest=digest, **changes)  # type: ignore[arg-type]
    return LoadedModel(BrightnessModel(before), card)


def version_of(digest: str) -> ModelVersion:
    return ModelVersion(digest=digest, name=CARD.name, version=CARD.version, runner=CARD.runner)


@contextmanager
def hub_of(
    model: ServingModel | None = None,
    store: FakeStore | None = None,
    *,
    host: FakeHost | None = None,
    **limits: int,
) -> Iterator[InspectionService]:
    """A hub that is closed at the end."""
    hub = InspectionService(
        host or FakeHost(model or loaded()), store or FakeStore(), InspectionLimits(**limits)
    )
    try:
        yield hub
    finally:
        hub.close()


class Gate:
    """Holds a model up: `arrived` is set when it is asked, and it answers when `open` is called."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self._go_on = threading.Event()

    def __call__(self) -> None:
        self.arrived.set()
        assert self._go_on.wait(WAIT_S)

    def open(self) -> None:
        self._go_on.set()


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when `holds` does; what never holds is an error."""
    end_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.001)


def gray(value: int, *, shape_hw: tuple[int, int] = (32, 48)) -> np.ndarray:
    return np.full((*shape_hw, 3), value, np.uint8)
