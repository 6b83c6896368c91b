"""The pictures of a result: photo, overlay, mask, score map. They never change, so an ETag saves much."""

from typing import Any, Callable, Dict, Optional, Union

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_drawings, get_service, get_store
from edge_app.routes.answers import errors
from edge_app.routes.records.inspection import PREFIX
from edge_app.routes.results import find
from edge_app.services.drawing import MAX_OVERLAY_SIDE_PX, Drawable, Drawings, score_npy, score_png
from edge_app.services.inspection import InspectionService
from edge_app.store import Store
from inspector import __version__
from inspector.view import Layout

router = APIRouter(prefix=PREFIX, tags=["pictures"])


class Pictures:
    """Finds photo and score map of one result: in memory while it is fresh, else on the disk."""

    def __init__(
        self,
        inspection_id: str = Path(..., max_length=100),
        store: Store = Depends(get_store),
        service: InspectionService = Depends(get_service),
    ) -> None:
        self._id = inspection_id
        self._store = store
        self._service = service

    def photo(self) -> Response:
        """Return the photo as it was sent; 404 where it is not kept."""
        fresh = self._service.find(self._id)
        if fresh is not None:
            return Response(fresh.photo.data, media_type=fresh.photo.media_type)
        stored = self._store.photo(self._id)
        if stored is None:
            raise self._not_kept("photo")
        return Response(stored[0], media_type=stored[1])

    def score(self) -> np.ndarray:
        """Return the score map, float32 (H, W), not smoothed; 404 where it is not kept."""
        fresh = self._service.find(self._id)
        score = fresh.score if fresh is not None else self._store.score(self._id)
        if score is None:
            raise self._not_kept("score map")
        return score

    def layout(self) -> Optional[Layout]:
        """Return how the score map lies on the photo; None where it covers the whole of it."""
        return find(self._id, store=self._store, service=self._service).layout

    def drawable(self, *, with_photo: bool) -> Drawable:
        """Return what to draw from; without the photo where it is not needed."""
        fresh = self._service.find(self._id)
        if fresh is not None and fresh.score is not None:
            return Drawable.of(fresh)
        score = self.score()
        photo = bytes(self.photo().body) if with_photo else b""
        stored = self._store.get(self._id)
        if stored is None:
            raise self._not_kept("score map")
        return Drawable.judged(photo, stored.frame_hw, score, stored.thresholds, layout=stored.layout)

    def _not_kept(self, what: str) -> HTTPException:
        found = find(self._id, store=self._store, service=self._service)  # 404 where it is unknown
        because = (
            f": no decision was made ({found.reason})" if found.reason else "; see photos in the settings"
        )
        return HTTPException(404, f"the {what} of inspection {self._id} is not kept{because}")


def _picture(media_type: str) -> Dict[Union[int, str], Dict[str, Any]]:
    """Describe a picture for OpenAPI."""
    return {
        200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The client has it: its If-None-Match is this picture's ETag."},
        **errors(404, 422),
    }


def _unless_known(request: Request, draw: Callable[[], Response], *, variant: str = "") -> Response:
    """Return the picture with its ETag, or 304 without drawing it where the client has it."""
    tag = f'"{__version__}-{request.path_params["inspection_id"][:100]}{variant}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    answer = draw()
    answer.headers.update(headers)
    return answer


@router.get(
    "/{inspection_id}/image",
    operation_id="get_photo",
    responses={
        **_picture("image/jpeg"),
        200: {
            "content": {
                name: {"schema": {"type": "string", "format": "binary"}}
                for name in ("image/jpeg", "image/png", "image/bmp")
            }
        },
    },
    response_class=Response,
    summary="The photo",
)
def image(request: Request, pictures: Pictures = Depends()) -> Response:
    """The photo as it was sent, or the camera's frame as JPEG."""
    return _unless_known(request, pictures.photo)


@router.get(
    "/{inspection_id}/overlay.jpg",
    operation_id="get_overlay",
    responses=_picture("image/jpeg"),
    response_class=Response,
    summary="Overlay",
)
def overlay(
    request: Request,
    max_side_px: int = Query(
        MAX_OVERLAY_SIDE_PX,
        ge=64,
        le=MAX_OVERLAY_SIDE_PX,
        description="Smaller for lists: 192 is a thumbnail.",
    ),
    pictures: Pictures = Depends(),
    drawings: Drawings = Depends(get_drawings),
) -> Response:
    """JPEG, at most 2048 pixels a side: the photo with the defect map, the regions and the verdict."""

    def draw() -> Response:
        drawn = drawings.overlay_jpeg(pictures.drawable(with_photo=True), max_side_px=max_side_px)
        return Response(drawn, media_type="image/jpeg")

    variant = "" if max_side_px == MAX_OVERLAY_SIDE_PX else f"-{max_side_px}"
    return _unless_known(request, draw, variant=variant)


@router.get(
    "/{inspection_id}/mask.png",
    operation_id="get_mask",
    responses=_picture("image/png"),
    response_class=Response,
    summary="Mask",
)
def mask(
    request: Request, pictures: Pictures = Depends(), drawings: Drawings = Depends(get_drawings)
) -> Response:
    """PNG in the photo's size: 255 where a pixel is defective, else 0."""

    def draw() -> Response:
        return Response(drawings.mask_png(pictures.drawable(with_photo=False)), media_type="image/png")

    return _unless_known(request, draw)


@router.get(
    "/{inspection_id}/score.png",
    operation_id="get_score_picture",
    responses=_picture("image/png"),
    response_class=Response,
    summary="Score map as a picture",
)
def score_picture(request: Request, pictures: Pictures = Depends()) -> Response:
    """The smoothed score map as 8-bit gray, 255 is 1.0: at the network's input size, larger for tiles."""

    def draw() -> Response:
        return Response(score_png(pictures.score(), pictures.layout()), media_type="image/png")

    return _unless_known(request, draw)


@router.get(
    "/{inspection_id}/score.npy",
    operation_id="get_score",
    responses=_picture("application/octet-stream"),
    response_class=Response,
    summary="Score map",
)
def score_values(request: Request, pictures: Pictures = Depends()) -> Response:
    """The smoothed score map as a float32 NumPy file: what the thresholds apply to."""

    def draw() -> Response:
        values = score_npy(pictures.score(), pictures.layout())
        return Response(values, media_type="application/octet-stream")

    return _unless_known(request, draw)
