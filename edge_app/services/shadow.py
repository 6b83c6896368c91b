"""Lets the shadow model judge what the serving model has answered, when there is time for it."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Optional

from edge_app.services.give_way import lower_priority
from edge_app.services.keeping import ResultStore
from edge_app.services.prepared import Prepared, prepare
from edge_app.services.result import Outcome, Result, ShadowAnswer
from edge_app.services.serving import ModelHost, look
from edge_app.services.shot import Shot

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """A result that was handed to the store, and what it was made of; `stored` resolves after the commit."""

    result: Result
    shot: Shot
    prepared: Prepared
    stored: "Future[Any]"


class ShadowRunner:
    """One thread of low priority, with room for one result; what comes while it works is skipped.

    The serving model's answer is stored first and never waits: the shadow's answer is attached to it later.
    """

    def __init__(self, models: ModelHost, store: ResultStore) -> None:
        self._models = models
        self._store = store
        self._changed = threading.Condition()
        self._job: Optional[Answered] = None
        self._is_busy = False
        self._is_closed = False
        self.num_skipped = 0
        self._thread: Optional[threading.Thread] = None

    def offer(self, answered: Answered, *, is_busy: bool) -> None:
        """Have the shadow judge the same shot, unless it is at work or photos are waiting (`is_busy`)."""
        lease = self._models.shadow()
        if lease is None:
            return
        with self._changed:
            if is_busy or self._is_busy or self._job is not None or self._is_closed:
                self.num_skipped += 1
                return
            self._job = answered
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Finish the answer that is being worked on, then stop."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        lower_priority()
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.wait_for(lambda: self._job is not None or self._is_closed)
                if self._job is None:
                    return
                job, self._job = self._job, None
                self._is_busy = True
            try:
                self._judge(job)
            except Exception:
                logger.exception("the shadow model failed on result %s", job.result.id)
            del job

    def _judge(self, answered: Answered) -> None:
        shot, prepared = answered.shot, answered.prepared
        lease = self._models.shadow()
        if lease is None:
            return
        with lease as model:
            if not prepared.fits(model.card.input_hw):
                prepared = prepare(shot.frame(), input_hw=model.card.input_hw, view=shot.view)
            set_here = self._store.current_thresholds(model.version.digest)
            thresholds = model.card.thresholds if set_here is None else set_here.thresholds
            judgement = look(model, prepared.to_inspect, thresholds=thresholds, view=shot.view).judgement
            said = ShadowAnswer(model.version, Outcome(judgement.verdict.value), judgement.image_score)
        result_id = answered.result.id
        answered.stored.add_done_callback(lambda _: self._store.attach_shadow(result_id, said))
