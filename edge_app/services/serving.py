"""What the hub asks of models: who answers now, who looks on as a shadow, and what one answer holds."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, ContextManager, Iterator, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.result import ModelVersion
from inspector.postprocess import Judgement, Thresholds, judge
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
    """A network that scores frames; `inspector.runtime.Runner` is one."""

    def score(self, frame: np.ndarray) -> np.ndarray: ...


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


@dataclass(frozen=True)
class Looked:
    """What a model says about a whole frame."""

    judgement: Judgement
    score: np.ndarray
    latency_ms: float


def look(
    model: ServingModel,
    frame: np.ndarray,
    *,
    thresholds: Thresholds,
    view: Optional[View],
    on_score: Callable[[np.ndarray], None] = lambda _: None,
) -> Answer:
    """Have a model judge a frame, or only what a view shows of it.

    Args:
        on_score: Called with the score map; of a whole frame before it is judged, since that takes a while.
    """
    if view is not None:
        answer = inspect_view(model.score, frame, view, thresholds=thresholds, input_hw=model.card.input_hw)
        on_score(answer.score)
        return answer
    start_s = time.perf_counter()
    score = model.score(frame)
    on_score(score)
    judgement = judge(score, thresholds)
    return Looked(judgement, score, latency_ms=(time.perf_counter() - start_s) * 1000)


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
        return self.model.score(frame)


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
