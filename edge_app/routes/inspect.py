"""POST a photo, get its verdict."""

import asyncio
from typing import Optional

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_service
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.filters import MAX_NAME, TEXT
from edge_app.routes.records.inspection import PREFIX, InspectionOut
from edge_app.routes.results import fresh_out
from edge_app.services.inspection import InspectionService
from edge_app.services.result import Origin
from edge_app.services.threshold_override import ThresholdOverride
from inspector.errors import ImageError
from inspector.image_header import read_header

MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp"}

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


async def asked_thresholds(
    fail: Optional[float] = Query(
        None, ge=0, le=1, description="Fail threshold instead of the one in force."
    ),
    review: Optional[float] = Query(None, ge=0, le=1, description="Review threshold; not above `fail`."),
    min_area_px: Optional[int] = Query(
        None,
        ge=1,
        le=100_000_000,
        description="Smallest region that counts, in pixels of the network's input.",
    ),
) -> ThresholdOverride:
    """Read the thresholds for this photo from the query."""
    return ThresholdOverride(fail=fail, review=review, min_area_px=min_area_px)


async def asked_origin(
    lot: str = Query("", max_length=MAX_NAME, pattern=TEXT, description="The lot that the part belongs to."),
    source: str = Query(
        "rest",
        min_length=1,
        max_length=MAX_NAME,
        pattern=TEXT,
        description="What to call the sender in lists.",
    ),
) -> Origin:
    """Read from the query where the photo came from."""
    return Origin(source=source, trigger="http", lot=lot)


@router.post(
    "",
    operation_id="inspect",
    status_code=201,
    response_model=InspectionOut,
    responses=errors(400, 408, 413, 415, 422, 503),
    openapi_extra=_PHOTO_BODY,
    summary="Inspect a photo",
)
async def inspect(
    request: Request,
    override: ThresholdOverride = Depends(asked_thresholds),
    origin: Origin = Depends(asked_origin),
    service: InspectionService = Depends(get_service),
) -> Response:
    """Send a JPEG, PNG or BMP as the body. The answer has the verdict, the regions in the photo's pixels, and
    links to the pictures. It comes when the result is on disk; `stored` says so.

    503 with `Retry-After` means that too many photos are waiting: send it again.
    """
    _check_media_type(request.headers.get("content-type", ""))
    photo = await request.body()
    media_type = _media_type_of(photo)
    done = service.submit(photo, media_type=media_type, override=override, origin=origin)
    stored = await asyncio.wrap_future(done)
    because = "" if stored.receipt.stored else stored.receipt.reason
    out = fresh_out(stored.result, not_stored_because=because)
    answer = json_answer(out, status=201)
    answer.headers["Location"] = out.links.self
    return answer


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
