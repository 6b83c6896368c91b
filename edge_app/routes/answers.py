"""JSON and error answers: one shape, `{"detail": "one sentence"}`, for everything that went wrong."""

import logging
from typing import Any, Dict, Union

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from edge_app.middleware import STRICT_HEADERS
from edge_app.routes.records import ErrorOut
from edge_app.services.bounded_worker import BusyError
from inspector.errors import InputError, InspectorError

logger = logging.getLogger(__name__)

_SENTENCES = {
    404: "there is nothing at this address; the API is described at /api/v1/openapi.json",
    405: "this address does not take this method; the API is described at /api/v1/openapi.json",
}


def errors(*statuses: int) -> Dict[Union[int, str], Dict[str, Any]]:
    """Describe error answers for OpenAPI."""
    return {status: {"model": ErrorOut} for status in statuses}


def json_answer(record: BaseModel, *, status: int = 200) -> Response:
    """Answer with a record, serialised once: FastAPI's own way validates and encodes it again."""
    return Response(record.model_dump_json(), status_code=status, media_type="application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of `app` the same shape; unexpected ones are logged and say nothing of their cause."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(BusyError, _on_busy)
    app.add_exception_handler(InputError, _on_input)
    app.add_exception_handler(InspectorError, _on_failure)
    app.add_exception_handler(Exception, _on_failure)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    is_own_sentence = error.detail not in ("Not Found", "Method Not Allowed")
    detail = error.detail if is_own_sentence else _SENTENCES[error.status_code]
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=error.headers)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    given = str(first.get("input"))[:40]
    return JSONResponse({"detail": f"{name} = {given!r} is not valid: {first['msg']}"}, status_code=422)


async def _on_busy(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=503, headers={"Retry-After": "1"})


async def _on_input(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=422)


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
