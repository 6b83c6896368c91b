"""The model that is served: its card, and photos from its bundle to try it with."""

from fastapi import APIRouter, Depends, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_models, get_service, get_settings
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.inspect import MEDIA_TYPES
from edge_app.routes.records.models import LimitsOut, ModelOut
from edge_app.routes.records.thresholds import ThresholdsOut
from edge_app.services.inspection import InspectionService
from edge_app.services.models import ModelHost
from edge_app.settings import Settings

router = APIRouter(prefix="/api/v1/model", tags=["models"])


@router.get(
    "",
    operation_id="get_model",
    response_model=ModelOut,
    responses=errors(503),
    summary="The model that serves",
)
def model(
    service: InspectionService = Depends(get_service),
    models: ModelHost = Depends(get_models),
    settings: Settings = Depends(get_settings),
) -> Response:
    """Name, version, input size and thresholds of the model that serves, and what the server takes."""
    card = service.card
    thresholds, version = service.thresholds_in_force()
    limits = LimitsOut(
        max_body_bytes=settings.max_body_bytes,
        max_pixels=settings.max_pixels,
        media_types=list(MEDIA_TYPES.values()),
    )
    runtime = models.status().runtime
    out = ModelOut.of(
        card,
        runner=card.runner if runtime is None else runtime.name,
        in_force=ThresholdsOut.of(thresholds),
        threshold_version=version,
        examples=[f"/api/v1/model/examples/{number}.png" for number in range(len(card.examples))],
        limits=limits,
    )
    return json_answer(out)


@router.get(
    "/examples/{number}.png",
    operation_id="get_example",
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        **errors(404, 422, 503),
    },
    response_class=Response,
    summary="Example photo",
)
def example(
    number: int = Path(..., ge=0, le=1000, description="From 0."),
    service: InspectionService = Depends(get_service),
) -> Response:
    """An image from the bundle, to try the model with."""
    examples = service.card.examples
    if number >= len(examples):
        raise HTTPException(404, f"example {number} does not exist; the bundle has {len(examples)}")
    return Response(examples[number], media_type="image/png")
