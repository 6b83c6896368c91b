"""Whether the server lives, is ready, and how its parts do."""

import time
from typing import Iterator, List, Optional

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_models, get_service
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.health import (
    DetailsOut,
    HealthOut,
    ModelNameOut,
    ReadyOut,
    RuntimeOut,
    StoreOut,
)
from edge_app.routes.times import iso_of
from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraState
from edge_app.services.control_chart import Level
from edge_app.services.inspection import InspectionService, ModelCard
from edge_app.services.memory import available_bytes
from edge_app.services.models import ModelHost
from edge_app.store import StoreStatus
from inspector import __version__
from inspector.runtime.engine import RuntimeStatus

router = APIRouter(prefix="/api/v1", tags=["device"])


@router.get(
    "/health", operation_id="get_health", response_model=HealthOut, responses=errors(422), summary="Health"
)
def health(
    request: Request,
    service: InspectionService = Depends(get_service),
    models: ModelHost = Depends(get_models),
) -> Response:
    """200 while the server lives, also for those without a key. `details` says what is wrong."""
    is_known = request.scope["state"]["who"] is not None
    return json_answer(
        HealthOut(
            live=True,
            ready=_not_ready_because(service) is None,
            uptime_s=round(time.monotonic() - request.app.state.started_s, 3),
            details=_details(request, service, models) if is_known else None,
        )
    )


@router.get(
    "/ready",
    operation_id="get_ready",
    response_model=ReadyOut,
    responses=errors(422, 503),
    summary="Readiness",
)
async def ready(service: InspectionService = Depends(get_service)) -> Response:
    """200 when a photo sent now would be taken, else 503: for load balancers, watchdogs and PLCs."""
    because = _not_ready_because(service)
    if because is not None:
        raise HTTPException(503, because, headers={"Retry-After": "1"})
    return json_answer(ReadyOut(ready=True))


def _not_ready_because(service: InspectionService) -> Optional[str]:
    try:
        service.thresholds_in_force()  # of the model that answers, if one does
    except BusyError as error:
        return str(error)
    if service.num_waiting >= service.limits.queue_size:
        return f"{service.num_waiting} photos are waiting (limit {service.limits.queue_size})"
    return None


def _details(request: Request, service: InspectionService, models: ModelHost) -> DetailsOut:
    card = _card(service)
    store = request.app.state.store.status()
    return DetailsOut(
        version=__version__,
        bundle=None if card is None else ModelNameOut(name=card.name, version=card.version),
        runtime=_runtime_out(models.status().runtime),
        num_waiting=service.num_waiting,
        queue_size=service.limits.queue_size,
        counts=service.counts(),
        memory_free_bytes=available_bytes(),
        store=_store_out(store),
        problems=list(_problems(request, models, store)),
    )


def _runtime_out(runtime: Optional[RuntimeStatus]) -> Optional[RuntimeOut]:
    if runtime is None:
        return None
    return RuntimeOut(
        name=runtime.name, precision=runtime.precision, state=runtime.state, detail=runtime.detail
    )


def _card(service: InspectionService) -> Optional[ModelCard]:
    try:
        return service.card
    except BusyError:
        return None


def _store_out(status: StoreStatus) -> StoreOut:
    return StoreOut(
        state=status.state,
        reason=status.reason,
        num_results=status.num_results,
        num_bytes=status.num_bytes,
        free_bytes=status.free_bytes,
        oldest=None if status.oldest_ms is None else iso_of(status.oldest_ms),
    )


def _problems(request: Request, models: ModelHost, store: StoreStatus) -> Iterator[str]:
    state = request.app.state
    host, drift = models.status(), state.drift.report()
    engine = "" if host.runtime is None else host.runtime.detail
    found: List[str] = [host.reason, host.warning, engine, store.reason]
    if drift.level is not Level.OK:
        found.append(drift.sentence)
    for camera in state.cameras.list():
        stats = camera.camera
        if stats is not None and (stats.fault is not None or stats.state is not CameraState.RUNNING):
            word = stats.state.value if stats.fault is None else stats.fault.value
            found.append(f"camera {camera.settings.name} is {word}: {stats.last_error or 'no error'}")
    for destination in state.outbox.status():
        if destination.last_error:
            found.append(f"{destination.kind} {destination.name}: {destination.last_error}")
    return (sentence for sentence in found if sentence)
