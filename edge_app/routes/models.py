"""The models on the device: uploaded, activated, rolled back, and as a shadow whose answers are compared."""

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Optional

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_models, get_store
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.filters import asked_filter
from edge_app.routes.records.inspection import InspectionPageOut
from edge_app.routes.records.models import DIGEST_PATTERN, DigestIn, ModelEntryOut, ModelsOut
from edge_app.routes.results import MAX_PAGE, stored_out
from edge_app.services.model_status import ModelEntry
from edge_app.services.models import ModelHost
from edge_app.store import ResultFilter, Store

ZIP = "application/zip"

router = APIRouter(prefix="/api/v1/models", tags=["models"])

_BUNDLE_BODY = {
    "requestBody": {
        "required": True,
        "description": "NAME.bundle, the zip file itself.",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def asked_digest(
    digest: str = Path(..., pattern=DIGEST_PATTERN, description="The bundle's SHA-256."),
) -> str:
    """Read which model is meant."""
    return digest


@router.get("", operation_id="list_models", response_model=ModelsOut, summary="Models on the device")
def list_models(models: ModelHost = Depends(get_models)) -> Response:
    """All models that are stored here, which one serves, and which one a rollback takes."""
    return json_answer(ModelsOut.of(models.status(), models.list()))


@router.post(
    "",
    operation_id="upload_model",
    status_code=201,
    response_model=ModelEntryOut,
    responses=errors(400, 408, 413, 415, 422, 503, 507),
    openapi_extra=_BUNDLE_BODY,
    summary="Upload a model",
)
async def upload(request: Request, models: ModelHost = Depends(get_models)) -> Response:
    """Send a bundle as the body. It is verified, stored, and tested on this device; it does not serve yet."""
    given = request.headers.get("content-type", "")
    if given.split(";")[0].strip().lower() != ZIP:
        raise HTTPException(415, f"Content-Type {given[:60]!r} is not accepted; send the bundle as {ZIP}")
    # The event loop never waits for the disk.
    async with contextmanager_in_threadpool(await run_in_threadpool(models.receiving)) as folder:
        path = FilePath(folder) / "upload.bundle"
        if await _receive(request, path) == 0:
            raise HTTPException(400, "the body is empty; send a bundle, NAME.bundle, as the body")
        entry = await run_in_threadpool(models.upload, path)
    answer = json_answer(ModelEntryOut.of(entry), status=201)
    answer.headers["Location"] = f"/api/v1/models/{entry.stored.digest}"
    return answer


@router.post(
    "/rollback",
    operation_id="roll_back_model",
    response_model=ModelEntryOut,
    responses=errors(422, 503, 507),
    summary="Go back to the previous model",
)
async def roll_back(models: ModelHost = Depends(get_models)) -> Response:
    """Let the model that served before answer again. The answer comes when it does."""
    return await _entry_of(models.rollback())


@router.put(
    "/shadow",
    operation_id="set_shadow_model",
    response_model=ModelEntryOut,
    responses=errors(400, 404, 413, 422, 503, 507),
    summary="Let a model look on",
)
async def set_shadow(asked: DigestIn, models: ModelHost = Depends(get_models)) -> Response:
    """The model sees photos that the serving one sees, as far as there is time. Its answers change nothing;
    where they differ, the result is among the disagreements."""
    entry = await asyncio.wrap_future(models.set_shadow(asked.digest))
    assert entry is not None
    return json_answer(ModelEntryOut.of(entry))


@router.delete(
    "/shadow",
    operation_id="end_shadow_model",
    status_code=204,
    responses=errors(503, 507),
    response_class=Response,
    summary="End the shadow",
)
async def end_shadow(models: ModelHost = Depends(get_models)) -> Response:
    """No model looks on any more."""
    await asyncio.wrap_future(models.set_shadow(None))
    return Response(status_code=204)


@router.get(
    "/disagreements",
    operation_id="list_disagreements",
    response_model=InspectionPageOut,
    responses=errors(422),
    summary="Where the shadow model differs",
)
def disagreements(
    chosen: ResultFilter = Depends(asked_filter),
    cursor: Optional[str] = Query(None, max_length=200, description="`next_cursor` of the page before."),
    limit: int = Query(50, ge=1, le=MAX_PAGE, description="Results a page."),
    store: Store = Depends(get_store),
) -> Response:
    """Results to which the shadow model gave another verdict, newest first."""
    page = store.page(replace(chosen, shadow_disagrees=True), cursor=cursor, limit=limit)
    return json_answer(
        InspectionPageOut(items=[stored_out(item) for item in page.items], next_cursor=page.next_cursor)
    )


@router.get(
    "/{digest}",
    operation_id="get_model_entry",
    response_model=ModelEntryOut,
    responses=errors(404, 422),
    summary="One model",
)
def find(digest: str = Depends(asked_digest), models: ModelHost = Depends(get_models)) -> Response:
    """What this model is and does."""
    return json_answer(ModelEntryOut.of(models.find(digest)))


@router.post(
    "/{digest}/activate",
    operation_id="activate_model",
    response_model=ModelEntryOut,
    responses=errors(404, 422, 503, 507),
    summary="Let a model serve",
)
async def activate(digest: str = Depends(asked_digest), models: ModelHost = Depends(get_models)) -> Response:
    """Load and test the model, then let it answer; no request fails meanwhile where memory holds both models.

    The answer comes when it serves. 422 says why it does not, and the old one goes on.
    """
    return await _entry_of(models.activate(digest))


async def _entry_of(change: "Future[ModelEntry]") -> Response:
    return json_answer(ModelEntryOut.of(await asyncio.wrap_future(change)))


async def _receive(request: Request, path: FilePath) -> int:
    """Write the body to `path` as it comes and return its length; the cap is the middleware's."""
    num_bytes = 0
    async with contextmanager_in_threadpool(await run_in_threadpool(path.open, "wb")) as file:
        async for chunk in request.stream():
            num_bytes += len(chunk)
            await run_in_threadpool(file.write, chunk)
    return num_bytes
