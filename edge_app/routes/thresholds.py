"""The thresholds in force: read, changed, and as they were. They are stored here, outside the model."""

import asyncio
from typing import List

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.routes.access import get_service, get_store, who
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.thresholds import (
    ThresholdHistoryOut,
    ThresholdsIn,
    ThresholdVersionOut,
)
from edge_app.services.inspection import InspectionService
from edge_app.store import Store

router = APIRouter(prefix="/api/v1/thresholds", tags=["thresholds"])


@router.get(
    "",
    operation_id="get_thresholds",
    response_model=ThresholdVersionOut,
    responses=errors(503),
    summary="Thresholds in force",
)
def read(service: InspectionService = Depends(get_service), store: Store = Depends(get_store)) -> Response:
    """What the served model is judged by. Version 0 is the bundle's own, others were set on this device."""
    card = service.card
    current = store.current_thresholds(card.digest)
    if current is None:
        return json_answer(ThresholdVersionOut.own(card.thresholds))
    return json_answer(ThresholdVersionOut.of(current))


@router.put(
    "",
    operation_id="set_thresholds",
    response_model=ThresholdVersionOut,
    responses=errors(400, 413, 422, 503),
    summary="Change the thresholds",
)
async def change(
    asked: ThresholdsIn,
    by: str = Depends(who),
    service: InspectionService = Depends(get_service),
    store: Store = Depends(get_store),
) -> Response:
    """Judge photos by other thresholds from now on. Results that are there keep theirs."""
    changed = await asyncio.wrap_future(store.set_thresholds(service.card.digest, asked.thresholds(), by))
    return json_answer(ThresholdVersionOut.of(changed))


@router.get(
    "/history",
    operation_id="get_threshold_history",
    response_model=ThresholdHistoryOut,
    responses=errors(503),
    summary="Thresholds as they were",
)
def history(service: InspectionService = Depends(get_service), store: Store = Depends(get_store)) -> Response:
    """Every version for the served model, newest first."""
    card = service.card
    items: List[ThresholdVersionOut] = [
        ThresholdVersionOut.of(version) for version in store.threshold_history(card.digest)
    ]
    items.sort(key=lambda version: -version.version)
    return json_answer(ThresholdHistoryOut(items=[*items, ThresholdVersionOut.own(card.thresholds)]))
