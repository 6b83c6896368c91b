"""Prometheus metrics at /metrics."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.metrics.exposition import CONTENT_TYPE, Metrics
from edge_app.routes.access import get_metrics
from edge_app.routes.answers import errors

router = APIRouter(tags=["device"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors(422)},
    response_class=Response,
    summary="Prometheus metrics",
)
def metrics(found: Metrics = Depends(get_metrics)) -> Response:
    """Results by outcome and source, histograms of latency, score and frame age; queue, store, outbox,
    cameras, drift, the model that serves, and the process itself. Text format 0.0.4."""
    return Response(found.text(), media_type=CONTENT_TYPE)
