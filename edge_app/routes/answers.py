"""JSON and error answers: one shape, `{"detail": "one sentence"}`, for everything that went wrong."""

import logging
from typing import Any, Dict, Union

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from edge_app.access.strict_headers import STRICT_HEADERS
from edge_app.cameras.camera_set import CameraExistsError, NoSuchCameraError
from edge_app.outbox.status import UnknownDestinationError
from edge_app.routes.records.record import ErrorOut
from edge_app.routes.strict import unknown_key
from edge_app.services.bounded_worker import BusyError
from edge_app.services.model_library import UnknownModelError
from edge_app.services.model_loading import ModelRefusedError
from inspector.errors import InputError, InspectorError, StorageError

logger = logging.getLogger(__name__)

# Every status that is not a success, and when it is answered; also the table in docs/edge_app.md.
MEANINGS = {
    400: "The body is empty, is not JSON, or the Host header is missing or not allowed.",
    401: "No key, or one that is not known.",
    403: "The key's role is too low, or another web site sent the request.",
    404: "There is no such thing, or it is no longer kept.",
    408: "The upload took too long.",
    409: "The name is taken.",
    413: "The body is too large.",
    414: "The query is too long.",
    415: "The body is of a type that is not taken.",
    422: "An option, a value or the body is not valid; the sentence says which.",
    429: "Too many requests from this address; `Retry-After` says for how long.",
    503: "Busy: send the request again after `Retry-After` seconds.",
    507: "The disk: it is full, broken or too slow.",
}

# What Starlette and FastAPI say by themselves, in our words.
_SENTENCES = {
    "Not Found": "there is nothing at this address; the API is described at /api/v1/openapi.json",
    "Method Not Allowed": "this address does not take this method; see /api/v1/openapi.json",
    "There was an error parsing the body": "the body is not JSON: it is not UTF-8, or nested too deeply",
}


def errors(*statuses: int) -> Dict[Union[int, str], Dict[str, Any]]:
    """Describe error answers for OpenAPI."""
    return {status: {"model": ErrorOut, "description": MEANINGS[status]} for status in statuses}


def json_answer(record: BaseModel, *, status: int = 200) -> Response:
    """Answer with a record, serialised once: FastAPI's own way validates and encodes it again."""
    return Response(record.model_dump_json(by_alias=True), status_code=status, media_type="application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of `app` the same shape; unexpected ones are logged and say nothing of their cause."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(BusyError, _on_busy)
    for unknown in (UnknownModelError, UnknownDestinationError, NoSuchCameraError):
        app.add_exception_handler(unknown, _on_unknown)
    app.add_exception_handler(CameraExistsError, _on_taken)
    app.add_exception_handler(ModelRefusedError, _on_input)
    app.add_exception_handler(StorageError, _on_storage)
    app.add_exception_handler(InputError, _on_input)
    app.add_exception_handler(InspectorError, _on_failure)
    app.add_exception_handler(Exception, _on_failure)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _SENTENCES.get(error.detail, error.detail)
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=error.headers)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        body = request.scope["route"].body_field.field_info.annotation
        sentence = unknown_key(body, first["loc"][1:])
    else:
        sentence = validation_sentence(first)
    return JSONResponse({"detail": sentence}, status_code=422)


def validation_sentence(error: Dict[str, Any]) -> str:
    """Return one sentence about the first thing that pydantic found."""
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error.get('ctx', {}).get('error', error['msg'])}"
    if error["type"] == "missing":
        return f"{name} is missing"
    if error["type"] == "value_error":  # our own sentence
        return str(error["msg"]).replace("Value error, ", "", 1)
    given = str(error.get("input"))[:40]
    return f"{name} = {given!r} is not valid: {error['msg']}"


async def _on_busy(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=503, headers={"Retry-After": "1"})


async def _on_input(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=422)


async def _on_unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=404)


async def _on_taken(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=409)


async def _on_storage(request: Request, error: Exception) -> Response:
    logger.error("%s %s: %s", request.method, request.scope["path"], error)
    return JSONResponse({"detail": str(error)}, status_code=507)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _on_failure(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    # The handler of plain exceptions runs outside the middleware that adds these headers.
    return JSONResponse(
        {"detail": "the inspection failed inside the server; its log says why"},
        status_code=500,
        headers=STRICT_HEADERS,
    )
