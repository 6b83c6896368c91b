"""Drift: an alarm before the rejects go wrong."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.routes.access import get_drift
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.drift import DriftOut
from edge_app.services.drift_watch import DriftWatch

router = APIRouter(prefix="/api/v1", tags=["device"])


@router.get(
    "/drift", operation_id="get_drift", response_model=DriftOut, responses=errors(422), summary="Drift"
)
async def drift(watch: DriftWatch = Depends(get_drift)) -> Response:
    """Brightness, focus and score of the photos of every source against the bundle's reference, and latency
    against the first results on this device: `ok`, `watch` or `alarm`, with what to check."""
    return json_answer(DriftOut.of(watch.report()))
