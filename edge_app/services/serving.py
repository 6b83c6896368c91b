"""What the hub asks of models: who answers now, who looks on as a shadow, and what one answer holds."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import ContextManager, Iterator, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.result import ModelVersion
from inspector.postprocess import Judgement, Thresholds
from inspector.tiling import inspect_view
from inspector.view import View


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

    def score(self, frame: np.ndarray) -> np.ndarray:
        """Map a frame of any size, uint8 (h, w, 3) BGR, to its score map, float32 (H, W), not smoothed."""

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Answer:
        """Score and judge a frame of any size."""


def look(model: ServingModel, frame: np.ndarray, *, thresholds: Thresholds, view: Optional[View]) -> Answer:
    """Have a model judge a frame, or only what a view shows of it."""
    if view is None:
        return model.inspect(frame, thresholds=thresholds)
    return inspect_view(model.score, frame, view, thresholds=thresholds, input_hw=model.card.input_hw)


class ModelHost(Protocol):
    """Gives out leases. They are short, so that a swap never waits long."""

    def serving(self) -> ContextManager[ServingModel]:
        """Lease the model that answers; BusyError while one replaces another and none is loaded."""

    def shadow(self) -> Optional[ContextManager[ServingModel]]:
        """Lease the model whose answers are only compared, if there is one."""


@dataclass(frozen=True)
class LoadedModel:
    """A ServingModel made of a model and its card."""

    model: Model
    card: ModelCard

    @property
    def version(self) -> ModelVersion:
        """Who answers, as every result carries it."""
        card = self.card
        return ModelVersion(digest=card.digest, name=card.name, version=card.version, runner=card.runner)

    def score(self, frame: np.ndarray) -> np.ndarray:
        """Map a frame to its score map."""
        return self.model.inspect(frame).score

    def inspect(self, frame: np.ndarray, *, thresholds: Optional[Thresholds] = None) -> Answer:
        """Score and judge a frame."""
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
