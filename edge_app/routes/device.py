"""The model that is served, and the server's health."""

import time

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_service, get_settings
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.inspections import MEDIA_TYPES
from edge_app.routes.records import HealthOut, LimitsOut, ModelNameOut, ModelOut
from edge_app.services.inspection import InspectionService
from edge_app.settings import Settings

router = APIRouter(prefix="/api/v1", tags=["device"])


@router.get("/model", response_model=ModelOut, summary="The model")
def model(
    service: InspectionService = Depends(get_service), settings: Settings = Depends(get_settings)
) -> Response:
    """Name, version, input size and thresholds of the model that is served, and what the server takes."""
    limits = LimitsOut(
        max_body_bytes=settings.max_body_bytes,
        max_pixels=settings.max_pixels,
        media_types=list(MEDIA_TYPES.values()),
    )
    examples = [f"/api/v1/model/examples/{number}.png" for number in range(len(service.card.examples))]
    return json_answer(ModelOut.of(service.card, examples=examples, limits=limits))


@router.get(
    "/model/examples/{number}.png", responses=errors(404), summary="Example photo", response_class=Response
)
def example(number: int, service: InspectionService = Depends(get_service)) -> Response:
    """An image from the bundle, to try the model with."""
    examples = service.card.examples
    if not 0 <= number < len(examples):
        raise HTTPException(404, f"example {number} does not exist; the bundle has {len(examples)}")
    return Response(examples[number], media_type="image/png")


@router.get("/health", response_model=HealthOut, summary="Health")
async def health(request: Request, service: InspectionService = Depends(get_service)) -> Response:
    """200 while the server lives; `ready` says that a photo sent now would be taken."""
    card = service.card
    return json_answer(
        HealthOut(
            live=True,
            ready=service.num_waiting < service.limits.queue_size,
            bundle=ModelNameOut(name=card.name, version=card.version),
            runner=card.runner,
            uptime_s=round(time.monotonic() - request.app.state.started_s, 3),
            num_waiting=service.num_waiting,
            queue_size=service.limits.queue_size,
            counts=service.counts(),
        )
    )
