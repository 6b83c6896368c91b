"""What the hub asks of models: who answers now, who looks on as a shadow, and what one answer holds."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import ContextManager, Iterator, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.result import ModelVersion
from inspector.postprocess import Judgement, Thresholds


class Answer(Protocol):
    """What a model says about one frame: its judgement and score map at the network's input size."""

    @property
    def judgement(self) -> Judgement: ...

    @property
    def score(self) -> np.ndarray: ...

    @property
    def latency_ms(self) -> float: ...


class Model(Protocol):
    """A model that answers; `inspector.runtime.Runner` is one."""

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Answer: ...


class View(Protocol):
    """Which part of a frame is looked at, and how: region of interest, ignored areas, tiles.

    `inspector.tiling.View` is one; the hub only hands it on to the model.
    """


@dataclass(frozen=True)
class ModelCard:
    """What there is to say about the model. `warning` says why its thresholds promise less than asked for."""

    name: str
    version: str
    created: str
    input_hw: Tuple[int, int]
    thresholds: Thresholds
    runner: str
    num_parameters: int
    self_test_difference: float
    examples: Tuple[bytes, ...] = ()  # PNG
    warning: Optional[str] = None
    digest: str = ""


class ServingModel(Protocol):
    """A loaded model, held by a lease: it stays loaded until the lease ends."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def version(self) -> ModelVersion: ...

    def inspect(
        self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None, view: Optional[View] = None
    ) -> Answer:
        """Judge a frame of any size, uint8 (h, w, 3) BGR; with `view` only what it shows."""


class ModelHost(Protocol):
    """Gives out leases. They are short, so that a swap never waits long."""

    def serving(self) -> ContextManager[ServingModel]:
        """Lease the model that answers; BusyError while one replaces another and none is loaded."""

    def shadow(self) -> Optional[ContextManager[ServingModel]]:
        """Lease the model whose answers are only compared, if there is one."""


@dataclass(frozen=True)
class LoadedModel:
    """A ServingModel over a model that looks at whole frames only."""

    model: Model
    card: ModelCard

    @property
    def version(self) -> ModelVersion:
        """Who answers, as every result carries it."""
        card = self.card
        return ModelVersion(digest=card.digest, name=card.name, version=card.version, runner=card.runner)

    def inspect(
        self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None, view: Optional[View] = None
    ) -> Answer:
        """Judge a whole frame."""
        assert view is None, "this model was loaded for whole frames"
        return self.model.inspect(frame, thresholds=thresholds)


class OneModel:
    """A host of one model that never changes."""

    def __init__(self, model: ServingModel) -> None:
        self._model = model

    @contextmanager
    def serving(self) -> Iterator[ServingModel]:
        """Lease the one model."""
        yield self._model

    def shadow(self) -> Optional[ContextManager[ServingModel]]:
        """There is none."""
        return None
