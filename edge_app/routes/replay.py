"""Stored results judged again: which verdicts would be others, streamed as they are found."""

from typing import Iterator, Sequence

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.routes.access import get_models, get_replays, get_service, get_store
from edge_app.routes.answers import errors
from edge_app.routes.exports import NDJSON
from edge_app.routes.filters import asked_filter
from edge_app.routes.records.replay import ChangeOut, LineKind, ReplayCountsOut, ReplayIn, ReplayLineOut
from edge_app.routes.stream import BatchedResponse, StreamSlots
from edge_app.services.give_way import GiveWay, lower_priority
from edge_app.services.inspection import InspectionService
from edge_app.services.leased_model import LeasedModel
from edge_app.services.models import ModelHost
from edge_app.services.replay import JudgeAgain, ReplayCounts, by_model, replay, under_thresholds
from edge_app.services.threshold_override import ThresholdOverride
from edge_app.store import ResultFilter, Store
from inspector.errors import InputError, InspectorError

router = APIRouter(prefix="/api/v1", tags=["models"])


@router.post(
    "/replay",
    operation_id="replay",
    responses={
        200: {
            "content": {NDJSON: {"schema": {"type": "string"}}},
            "description": "Lines of JSON, each with its `kind`: `change`, `progress` every few seconds, and "
            "at the end `summary` or `error`.",
        },
        **errors(404, 413, 503),
    },
    response_class=Response,
    summary="What would have been",
)
def replay_results(
    asked: ReplayIn,
    chosen: ResultFilter = Depends(asked_filter),
    store: Store = Depends(get_store),
    models: ModelHost = Depends(get_models),
    service: InspectionService = Depends(get_service),
    replays: StreamSlots = Depends(get_replays),
) -> Response:
    """Judge stored results again and list those whose verdict changes, with lot and time; nothing is stored.

    Without `digest` the stored score maps are judged again under other thresholds: exact, and no network
    runs. With it, the stored photos are scored again. It runs at low priority, gives way to live inspection,
    and ends when the client goes. One replay may run at once.
    """
    judge_again = _judge_again(asked, store, models)
    counts, give_way = ReplayCounts(), GiveWay(lambda: service.num_waiting)

    def lines() -> Iterator[ReplayLineOut]:
        lower_priority()
        try:
            for change in replay(store.iterate(chosen), judge_again, counts, give_way=give_way):
                yield ReplayLineOut(kind=LineKind.CHANGE, change=ChangeOut.of(change))
        except InspectorError as error:
            yield ReplayLineOut(kind=LineKind.ERROR, error=str(error))
            return
        yield ReplayLineOut(kind=LineKind.SUMMARY, counts=ReplayCountsOut.of(counts))

    return BatchedResponse(
        lines,
        _joined,
        slots=replays,
        media_type=NDJSON,
        batch=1,
        while_waiting=lambda: ReplayLineOut(kind=LineKind.PROGRESS, counts=ReplayCountsOut.of(counts)).line(),
        on_end=give_way.cancel,
    )


def _judge_again(asked: ReplayIn, store: Store, models: ModelHost) -> JudgeAgain:
    override = asked.override()
    if asked.digest is None:
        if override == ThresholdOverride():
            raise InputError("there is nothing to replay: give a digest, or a threshold such as fail")
        return under_thresholds(store, override)
    model = LeasedModel(models, asked.digest)
    set_here = store.current_thresholds(asked.digest)
    own = model.card.thresholds if set_here is None else set_here.thresholds
    return by_model(store, model, thresholds=override.apply(own))


def _joined(lines: Sequence[ReplayLineOut]) -> bytes:
    return b"".join(line.line() for line in lines)
