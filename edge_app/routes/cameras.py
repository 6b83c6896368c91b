"""The cameras: added, changed, removed and triggered while the server runs."""

import asyncio

from fastapi import APIRouter, Depends, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.cameras.camera_set import CameraSet
from edge_app.routes.access import get_cameras, get_store
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.filters import MAX_NAME, TEXT
from edge_app.routes.records.cameras import CameraOut, CamerasOut
from edge_app.routes.records.inspection import InspectionOut
from edge_app.routes.results import fresh_out, stored_out
from edge_app.services.camera import CameraSettings
from edge_app.store import Store
from inspector.render import encode_jpeg

FRAME_QUALITY = 90

router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])


def asked_name(name: str = Path(..., max_length=40, description="The camera's name.")) -> str:
    """Read which camera is meant."""
    return name


@router.get(
    "", operation_id="list_cameras", response_model=CamerasOut, responses=errors(422), summary="Cameras"
)
def list_cameras(cameras: CameraSet = Depends(get_cameras)) -> Response:
    """All cameras, by name: settings, frame rate, age of the newest frame, restarts, what was inspected."""
    return json_answer(CamerasOut(items=[CameraOut.of(status) for status in cameras.list()]))


@router.post(
    "",
    operation_id="add_camera",
    status_code=201,
    response_model=CameraOut,
    responses=errors(400, 409, 413, 422, 507),
    summary="Add a camera",
)
def add(asked: CameraSettings, cameras: CameraSet = Depends(get_cameras)) -> Response:
    """Add a camera and start it. It need not answer yet: it is tried again and again."""
    status = cameras.add(asked)
    answer = json_answer(CameraOut.of(status), status=201)
    answer.headers["Location"] = f"/api/v1/cameras/{status.settings.name}"
    return answer


@router.get(
    "/{name}",
    operation_id="get_camera",
    response_model=CameraOut,
    responses=errors(404, 422),
    summary="One camera",
)
def read(name: str = Depends(asked_name), cameras: CameraSet = Depends(get_cameras)) -> Response:
    """Settings of a camera, and how it does."""
    return json_answer(CameraOut.of(cameras.get(name)))


@router.put(
    "/{name}",
    operation_id="replace_camera",
    response_model=CameraOut,
    responses=errors(400, 404, 409, 413, 422, 507),
    summary="Change a camera",
)
def replace(
    asked: CameraSettings, name: str = Depends(asked_name), cameras: CameraSet = Depends(get_cameras)
) -> Response:
    """Replace all settings of a camera, also its name, and start it again. A login or password that is sent
    back as `***` stays what it was."""
    return json_answer(CameraOut.of(cameras.replace(name, asked)))


@router.delete(
    "/{name}",
    operation_id="remove_camera",
    status_code=204,
    responses=errors(404, 422, 507),
    response_class=Response,
    summary="Remove a camera",
)
def remove(name: str = Depends(asked_name), cameras: CameraSet = Depends(get_cameras)) -> Response:
    """Stop a camera and forget its settings. Its results stay."""
    cameras.remove(name)
    return Response(status_code=204)


@router.post(
    "/{name}/trigger",
    operation_id="trigger_camera",
    status_code=201,
    response_model=InspectionOut,
    responses=errors(404, 422, 503, 507),
    summary="Inspect the next frame",
)
async def trigger(
    name: str = Depends(asked_name),
    lot: str = Query("", max_length=MAX_NAME, pattern=TEXT, description="The lot that the part belongs to."),
    cameras: CameraSet = Depends(get_cameras),
    store: Store = Depends(get_store),
) -> Response:
    """Inspect the first frame that is captured after this request. Where none comes in time, or it cannot be
    trusted, the verdict is NO_DECISION. Cameras that inspect continuously take no triggers."""
    result = await asyncio.wrap_future(cameras.trigger(name, lot=lot))
    stored = await run_in_threadpool(store.get, result.id)
    out = fresh_out(result) if stored is None else stored_out(stored)
    answer = json_answer(out, status=201)
    answer.headers["Location"] = out.links.self
    return answer


@router.get(
    "/{name}/frame.jpg",
    operation_id="get_frame",
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **errors(404, 422),
    },
    response_class=Response,
    summary="The newest frame",
)
def frame(name: str = Depends(asked_name), cameras: CameraSet = Depends(get_cameras)) -> Response:
    """The newest frame as JPEG, however old it is: to aim and focus the camera, not to judge parts."""
    newest = cameras.latest(name)
    if newest is None:
        raise HTTPException(404, f"camera {name} has no frame yet; its status says why")
    return Response(encode_jpeg(newest.frame, quality=FRAME_QUALITY), media_type="image/jpeg")
