"""POST a photo, get its verdict; fetch its pictures while it is kept."""

import asyncio
from typing import Optional

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_drawings, get_service
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records import InspectionOut
from edge_app.services.drawing import Drawable, Drawings, score_npy, score_png
from edge_app.services.inspection import InspectionService
from edge_app.services.result import Result
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import ImageError
from inspector.image_header import read_header

PREFIX = "/api/v1/inspections"
MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp"}

_OPTIONS = {"fail", "review", "min_area_px"}

router = APIRouter(prefix=PREFIX, tags=["inspections"])

_PHOTO_BODY = {
    "requestBody": {
        "required": True,
        "description": "The photo itself, not a form.",
        "content": {
            name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES.values()
        },
    }
}


def asked_thresholds(
    request: Request,
    fail: Optional[float] = Query(None, ge=0, le=1, description="Fail threshold instead of the model's."),
    review: Optional[float] = Query(None, ge=0, le=1, description="Review threshold; not above `fail`."),
    min_area_px: Optional[int] = Query(
        None,
        ge=1,
        le=100_000_000,
        description="Smallest region that counts, in pixels of the network's input.",
    ),
) -> ThresholdOverride:
    """Read the thresholds from the query; a misspelt name must not pass as the model's own threshold."""
    unknown = sorted(set(request.query_params) - _OPTIONS)
    if unknown:
        raise HTTPException(
            422, f"query option {unknown[0][:40]!r} is not known; use {', '.join(sorted(_OPTIONS))}"
        )
    return ThresholdOverride(fail=fail, review=review, min_area_px=min_area_px)


@router.post(
    "",
    status_code=201,
    response_model=InspectionOut,
    responses=errors(400, 408, 413, 415, 422, 503),
    openapi_extra=_PHOTO_BODY,
    summary="Inspect a photo",
)
async def inspect(
    request: Request,
    override: ThresholdOverride = Depends(asked_thresholds),
    service: InspectionService = Depends(get_service),
) -> Response:
    """Send a JPEG, PNG or BMP as the body. The answer has the verdict, the regions in the photo's pixels, and
    links to the mask and the overlay, which are kept for a while in memory.

    503 with `Retry-After` means that too many photos are waiting.
    """
    _check_media_type(request.headers.get("content-type", ""))
    photo = await request.body()
    media_type = _media_type_of(photo)
    stored = await asyncio.wrap_future(service.submit(photo, media_type=media_type, override=override))
    record = stored.result
    out = InspectionOut.of(record, card=service.card, base=f"{PREFIX}/{record.id}")
    answer = json_answer(out, status=201)
    answer.headers["Location"] = out.links.self
    return answer


def kept(inspection_id: str, service: InspectionService = Depends(get_service)) -> Result:
    """Return the kept result, or answer 404."""
    record = service.find(inspection_id)
    if record is None:
        raise HTTPException(
            404,
            f"inspection {inspection_id[:40]!r} is not known; the last {service.limits.keep_results} "
            "are kept, fewer when photos are large",
        )
    return record


@router.get("/{inspection_id}", response_model=InspectionOut, responses=errors(404), summary="One result")
def read(record: Result = Depends(kept), service: InspectionService = Depends(get_service)) -> Response:
    """The same JSON that POST answered."""
    return json_answer(InspectionOut.of(record, card=service.card, base=f"{PREFIX}/{record.id}"))


@router.get("/{inspection_id}/image", responses=errors(404), summary="The photo", response_class=Response)
def image(record: Result = Depends(kept)) -> Response:
    """The photo as it was sent."""
    return Response(record.photo.data, media_type=record.photo.media_type)


@router.get("/{inspection_id}/mask.png", responses=errors(404), summary="Mask", response_class=Response)
def mask(record: Result = Depends(kept), drawings: Drawings = Depends(get_drawings)) -> Response:
    """PNG in the photo's size: 255 where a pixel is defective, else 0."""
    return Response(drawings.mask_png(Drawable.of(record)), media_type="image/png")


@router.get("/{inspection_id}/overlay.jpg", responses=errors(404), summary="Overlay", response_class=Response)
def overlay(record: Result = Depends(kept), drawings: Drawings = Depends(get_drawings)) -> Response:
    """JPEG, at most 2048 pixels a side: the photo with the defect map, the regions and the verdict."""
    return Response(drawings.overlay_jpeg(Drawable.of(record)), media_type="image/jpeg")


@router.get("/{inspection_id}/score.png", responses=errors(404), summary="Score", response_class=Response)
def score_picture(record: Result = Depends(kept)) -> Response:
    """The smoothed score map as 8-bit gray at the network's input size."""
    return Response(score_png(Drawable.of(record).score), media_type="image/png")


@router.get("/{inspection_id}/score.npy", responses=errors(404), summary="Score", response_class=Response)
def score_values(record: Result = Depends(kept)) -> Response:
    """The smoothed score map as a float32 NumPy file: what the thresholds apply to."""
    return Response(score_npy(Drawable.of(record).score), media_type="application/octet-stream")


def _check_media_type(content_type: str) -> None:
    if content_type.split(";")[0].strip().lower() not in MEDIA_TYPES.values():
        raise HTTPException(
            415,
            f"Content-Type {content_type[:60]!r} is not accepted; send the photo itself as the body, "
            "with Content-Type image/jpeg, image/png or image/bmp",
        )


def _media_type_of(photo: bytes) -> str:
    """Return the type that the bytes have, whatever the header said."""
    if not photo:
        raise HTTPException(400, "the body is empty; send a JPEG, PNG or BMP photo as the body")
    try:
        return MEDIA_TYPES[read_header(photo).format]
    except (ImageError, KeyError) as error:
        raise HTTPException(
            415, f"the body ({len(photo)} bytes) is not a JPEG, PNG or BMP photo that can be read"
        ) from error
