"""The hub: photos and camera frames in, results out, each acknowledged when the store has committed it.

One thread runs the network; a few threads decode beside it, so that it never waits for a file to be decoded.
Photos wait in a bounded queue. A camera hands in a way to take its newest frame, which is called when its
turn has come: no frame grows old in a queue. Photos and every camera take turns.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from edge_app.services.bounded_worker import REST_LANE, Admission, BoundedWorker, BusyError
from edge_app.services.delivery import Delivery, Listener, Ticket
from edge_app.services.keeping import Receipt, ResultStore, Stored
from edge_app.services.prepared import Prepared, prepare
from edge_app.services.recent import RecentResults
from edge_app.services.result import ModelVersion, Origin, Photo, Result
from edge_app.services.result_of import judged, undecided
from edge_app.services.serving import ModelCard, ModelHost, ServingModel, look
from edge_app.services.shadow import Answered, ShadowRunner
from edge_app.services.shot import NO_OVERRIDE, Shot, Taken
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import ImageError
from inspector.image_file import decode_frame
from inspector.postprocess import Thresholds
from inspector.view import View

logger = logging.getLogger(__name__)

__all__ = ["BusyError", "InspectionLimits", "InspectionService", "ModelCard", "Taken"]

NUM_DECODERS = 2
MAX_DECODED = NUM_DECODERS + 1  # decoded photos in memory: being decoded, waiting, or being inspected
CAMERA_QUEUE_SIZE = 2
_STOPPING = "the inspector is stopping; send this image again when it has started"


@dataclass(frozen=True)
class InspectionLimits:
    """How much the service takes and keeps."""

    queue_size: int = 8
    keep_results: int = 64
    keep_results_bytes: int = 32_000_000
    max_pixels: int = 50_000_000


class InspectionService:
    """Decodes, inspects, has results stored, and tells who listens."""

    def __init__(self, models: ModelHost, store: ResultStore, limits: InspectionLimits) -> None:
        self.limits = limits
        self._models = models
        self._store = store
        self._admission = Admission(limits.queue_size)
        self._decoders = ThreadPoolExecutor(NUM_DECODERS, thread_name_prefix="decode")
        self._may_decode = threading.Semaphore(MAX_DECODED)
        self._worker = BoundedWorker(max(limits.queue_size, CAMERA_QUEUE_SIZE))
        self._delivery = Delivery(store)
        self._shadow = ShadowRunner(models, store)
        self._last_judge: Optional[Tuple[ModelVersion, Thresholds, int]] = None
        self._recent = RecentResults(max_count=limits.keep_results, max_bytes=limits.keep_results_bytes)

    @property
    def card(self) -> ModelCard:
        """The model that answers now; BusyError while one replaces another and none is loaded."""
        with self._models.serving() as model:
            return model.card

    @property
    def num_waiting(self) -> int:
        """How many photos are waiting, being inspected or being stored."""
        return self._admission.num_inside

    @property
    def num_shadow_skipped(self) -> int:
        """How many results the shadow model had no time for."""
        return self._shadow.num_skipped

    def counts(self) -> Dict[str, int]:
        """Return how many photos ended in each outcome, and how many were refused, since the start."""
        return self._delivery.counts()

    def thresholds_in_force(self) -> Tuple[Thresholds, int]:
        """Return the thresholds of the model that answers, and their version: 0 is the bundle's own."""
        with self._models.serving() as model:
            return self._in_force(model)

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with every result after its commit; it must return at once."""
        self._delivery.listen(listener)

    def find(self, result_id: str) -> Optional[Result]:
        """Return a result that is in memory, since it or its files are not on disk (yet); else None."""
        return self._recent.get(result_id)

    def submit(
        self,
        photo: bytes,
        *,
        media_type: str,
        override: ThresholdOverride = NO_OVERRIDE,
        origin: Origin = Origin(),
        view: Optional[View] = None,
    ) -> "Future[Stored]":
        """Queue one photo; the future resolves when the result is committed, or the store said why it is not.

        The future raises ImageError when the photo cannot be read or has too many pixels, and InputError when
        `override` contradicts itself.

        Raises:
            BusyError: the queue is full, or the service is stopping.
        """
        try:
            self._admission.enter()
        except BusyError:
            self._delivery.count("busy")
            raise
        ticket = Ticket(Future(), Stored)
        ticket.future.add_done_callback(lambda _: self._admission.leave())
        shot = Shot(
            photo=Photo(data=photo, media_type=media_type),
            origin=origin,
            frame=partial(decode_frame, photo, max_pixels=self.limits.max_pixels),
            view=view,
            override=override,
        )
        try:
            self._decoders.submit(self._decode, shot, ticket)
        except RuntimeError as error:  # the pool takes nothing after close()
            ticket.future.cancel()
            raise BusyError(_STOPPING) from error
        return ticket.future

    def submit_frame(
        self, frame: np.ndarray, *, origin: Origin, view: Optional[View] = None
    ) -> "Future[Result]":
        """Queue one camera frame, uint8 (H, W, 3) BGR; it must not be written to afterwards.

        Raises:
            BusyError: frames of this camera are waiting already, or the service is stopping.
        """
        taken = Taken(frame, origin, view)
        return self._queue_turn(lambda: taken, source=origin.source)

    def submit_newest(
        self, take: Callable[[], Optional[Taken]], *, source: str
    ) -> "Future[Optional[Result]]":
        """Queue a turn of the camera `source`; `take` is called when it has come, to give the newest frame.

        `take` runs in the inference thread and must return at once; None, when there is no new frame, makes
        the future None. BusyError as `submit_frame`.
        """
        return self._queue_turn(take, source=source)

    def submit_no_decision(self, frame: np.ndarray, *, origin: Origin, reason: str) -> "Future[Result]":
        """Record that `frame` cannot be trusted: `reason` is a short word, `frozen`, `black` or `stale`."""
        ticket = Ticket(Future(), _result_alone)
        self._refuse_to_decide(Taken(frame, origin, no_decision=reason), ticket)
        return ticket.future

    def close(self) -> None:
        """Finish what was taken and wait until the store has answered for it; then stop."""
        self._decoders.shutdown(wait=True)
        self._worker.close()
        self._shadow.close()
        self._delivery.wait_until_all_done()

    def _decode(self, shot: Shot, ticket: Ticket) -> None:
        """Decode and shrink a photo, in a thread of the pool, and hand it to the inference thread."""
        if not ticket.future.set_running_or_notify_cancel():
            return
        self._may_decode.acquire()
        try:
            prepared = prepare(shot.frame(), input_hw=self.card.input_hw, view=shot.view)
            self._begin_to_store(shot, prepared.input_hw)
            turn = self._worker.submit(partial(self._inspect, shot, prepared, ticket), lane=REST_LANE)
        except BaseException as error:
            self._may_decode.release()
            self._store.forget(shot.id)
            if isinstance(error, ImageError):
                self._delivery.count("unreadable")
            ticket.future.set_exception(error)
        else:
            turn.add_done_callback(lambda _: self._may_decode.release())
            _ = prepared.quality  # measured here, while the network runs

    def _queue_turn(self, take: Callable[[], Optional[Taken]], *, source: str) -> "Future[Any]":
        ticket = Ticket(Future(), _result_alone)
        self._worker.submit(partial(self._take_and_inspect, take, ticket), lane=f"camera {source}")
        return ticket.future

    def _take_and_inspect(self, take: Callable[[], Optional[Taken]], ticket: Ticket) -> None:
        if not ticket.future.set_running_or_notify_cancel():
            return
        try:
            taken = take()
        except Exception as error:
            ticket.future.set_exception(error)
            return
        if taken is None:
            ticket.future.set_result(None)
        elif taken.no_decision:
            self._refuse_to_decide(taken, ticket)
        else:
            self._inspect(Shot.of(taken), None, ticket)

    def _begin_to_store(self, shot: Shot, input_hw: Tuple[int, int]) -> None:
        """Let the disk begin; where it fails the inspection goes on, and the store says so at the end."""
        try:
            self._store.begin(shot.id, shot.created_ms, shot.photo, map_hw=input_hw)
        except Exception:
            logger.exception("the photo of result %s could not be begun", shot.id)

    def _begin_score(self, shot: Shot, score: np.ndarray) -> None:
        try:
            self._store.begin_score(shot.id, score)
        except Exception:
            logger.exception("the score map of result %s could not be begun", shot.id)

    def _inspect(self, shot: Shot, prepared: Optional[Prepared], ticket: Ticket) -> None:
        """Run the network, in the inference thread, and hand the result on."""
        try:
            with self._models.serving() as model:
                own, version = self._in_force(model)
                self._last_judge = (model.version, own, version)
                thresholds = shot.override.apply(own)
                if prepared is None:
                    self._begin_to_store(shot, model.card.input_hw)
                if prepared is None or not prepared.fits(model.card.input_hw):  # or the model was swapped
                    prepared = prepare(shot.frame(), input_hw=model.card.input_hw, view=shot.view)
                answer = look(
                    model,
                    prepared.to_inspect,
                    thresholds=thresholds,
                    view=shot.view,
                    on_score=partial(self._begin_score, shot),
                )
                result = judged(
                    answer,
                    shot=shot,
                    prepared=prepared,
                    model=model.version,
                    thresholds=thresholds,
                    threshold_version=version if shot.override == NO_OVERRIDE else None,
                )
        except BaseException as error:
            self._store.forget(shot.id)
            ticket.future.set_exception(error)
            return
        stored = self._finish(result, ticket)
        self._shadow.offer(Answered(result, shot, prepared, stored), is_busy=self.num_waiting > 1)

    def _refuse_to_decide(self, taken: Taken, ticket: Ticket) -> None:
        shot = Shot.of(taken)
        try:
            model, thresholds, version = self._would_judge()
            result = undecided(
                reason=taken.no_decision,
                shot=shot,
                frame_hw=(int(taken.frame.shape[0]), int(taken.frame.shape[1])),
                model=model,
                thresholds=thresholds,
                threshold_version=version,
            )
        except Exception as error:
            ticket.future.set_exception(error)
            return
        self._finish(result, ticket)

    def _would_judge(self) -> Tuple[ModelVersion, Thresholds, int]:
        """Return the model that answers and its thresholds; the last one while none is loaded.

        So a part that comes during a swap leaves a record, and a gate hears of it.
        """
        try:
            with self._models.serving() as model:
                thresholds, version = self._in_force(model)
                self._last_judge = (model.version, thresholds, version)
        except BusyError:
            if self._last_judge is None:
                raise
        assert self._last_judge is not None
        return self._last_judge

    def _finish(self, result: Result, ticket: Ticket) -> "Future[Receipt]":
        self._recent.add(result)
        stored = self._delivery.deliver(result, ticket)
        stored.add_done_callback(lambda done: self._forget_when_kept(result, done))
        return stored

    def _forget_when_kept(self, result: Result, stored: "Future[Receipt]") -> None:
        """Free the memory of a result that can be read from the disk."""
        if stored.exception() is None and stored.result().kept_files:
            self._recent.discard(result.id)

    def _in_force(self, model: ServingModel) -> Tuple[Thresholds, int]:
        set_here = self._store.current_thresholds(model.version.digest)
        return (model.card.thresholds, 0) if set_here is None else (set_here.thresholds, set_here.version)


def _result_alone(result: Result, receipt: Receipt) -> Result:
    return result
