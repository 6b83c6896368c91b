"""Bounds what requests with a body may cost: bytes, counted as they come; time; and how many at once."""

import asyncio
import time
from dataclasses import dataclass
from typing import List, Optional, Tuple

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.access.refusal import Refusal

MODELS = "/api/v1/models"
PHOTOS = "/api/v1/inspections"
MAX_RECORD_BYTES = 65_536  # JSON: settings, cameras, decisions


@dataclass(frozen=True)
class BodyLimit:
    """The largest body of one kind, and the longest it may take."""

    max_bytes: int
    timeout_s: float
    advice: str

    def too_large(self, num_bytes: int) -> str:
        """Return the sentence for a body of `num_bytes` or more."""
        return (
            f"the body has {num_bytes / 1e6:.1f} MB or more, the limit is {self.max_bytes / 1e6:g} MB; "
            f"{self.advice}"
        )


class BodyLimits:
    """Photos, models and records each have a limit of their own; `max_uploads` photos and models at once."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        photo: BodyLimit,
        model: BodyLimit,
        max_uploads: int,
    ) -> None:
        self._app = app
        self._photo = photo
        self._model = model
        self._record = BodyLimit(
            min(MAX_RECORD_BYTES, photo.max_bytes), photo.timeout_s, "send a smaller record"
        )
        self._max_uploads = max_uploads
        self._num_uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        refusal = self._refuse(limit, _declared_length(scope["headers"]))
        if refusal is not None:
            await refusal.answer(scope, send)
            return
        self._num_uploads += 1
        try:
            await self._app(scope, _counted(receive, limit), send)
        finally:
            self._num_uploads -= 1

    def _limit_of(self, scope: Scope) -> BodyLimit:
        if scope["method"] == "POST":
            if scope["path"] == PHOTOS:
                return self._photo
            if scope["path"] == MODELS:
                return self._model
        return self._record

    def _refuse(self, limit: BodyLimit, declared: Optional[int]) -> Optional[Refusal]:
        if declared is not None and declared > limit.max_bytes:
            return Refusal(413, limit.too_large(declared))
        if self._num_uploads >= self._max_uploads:
            return Refusal(
                503,
                f"{self._num_uploads} uploads are in progress (the limit); send this one again",
                {"Retry-After": "1"},
            )
        return None


def _counted(receive: Receive, limit: BodyLimit) -> Receive:
    deadline_s = time.monotonic() + limit.timeout_s
    num_bytes = 0
    is_complete = False

    async def counted() -> Message:
        nonlocal num_bytes, is_complete
        if is_complete:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, deadline_s - time.monotonic()))
        except asyncio.TimeoutError as error:
            raise _closing(408, f"the upload took longer than {limit.timeout_s:g} s") from error
        num_bytes += len(message.get("body", b""))
        if num_bytes > limit.max_bytes:
            raise _closing(413, limit.too_large(num_bytes))
        is_complete = not message.get("more_body", False)
        return message

    return counted


def _closing(status: int, detail: str) -> HTTPException:
    return HTTPException(status, detail, headers={"Connection": "close"})


def _declared_length(headers: List[Tuple[bytes, bytes]]) -> Optional[int]:
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return None
