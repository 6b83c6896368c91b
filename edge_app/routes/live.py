"""What happens now: the pictures of one camera as MJPEG, results and states over a WebSocket.

Each viewer has a slot for one update (`services.live`), so a slow one misses some and delays nobody. The
middleware asks for the role, and ends both when the session or the key that they were opened with ends.
"""

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import AsyncIterator, Optional, Tuple

from fastapi import APIRouter, Depends, Query, Request, WebSocket
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from edge_app.cameras.camera_set import CameraSet
from edge_app.parts import Parts
from edge_app.routes.access import get_cameras
from edge_app.routes.answers import errors
from edge_app.routes.cameras import asked_name
from edge_app.routes.filters import MAX_NAME
from edge_app.routes.records.cameras import CameraOut
from edge_app.routes.records.live import LiveDriftOut, LiveModelOut, LiveResultOut, LiveStateOut
from edge_app.routes.records.thresholds import ThresholdsOut
from edge_app.routes.stream import SEND_TIMEOUT_S, StreamSlots, was_taken
from edge_app.routes.times import iso_of
from edge_app.services.bounded_worker import BusyError
from edge_app.services.live import LiveHub, LiveUpdate, Viewer
from inspector.postprocess import Thresholds

MAX_STREAMS = 16
MAX_SOCKETS = 32
STATE_INTERVAL_S = 1.0
MIN_RESULT_INTERVAL_S = 0.05  # nobody reads more than 20 verdicts a second
BOUNDARY = "frame"
_BETWEEN = f"--{BOUNDARY}\r\n".encode()

GOING_AWAY, TRY_AGAIN_LATER = 1001, 1013  # RFC 6455 section 7.4.1 and IANA's registry

router = APIRouter(tags=["live"])
socket_router = APIRouter()


def add_slots(app: Starlette) -> None:
    """Bound the viewers of `app`."""
    app.state.streams = StreamSlots(MAX_STREAMS, kind="live pictures")
    app.state.sockets = StreamSlots(MAX_SOCKETS, kind="live viewers")


@router.get(
    "/api/v1/cameras/{name}/stream.mjpg",
    operation_id="watch_camera",
    responses={
        200: {
            "content": {f"multipart/x-mixed-replace; boundary={BOUNDARY}": {"schema": {"type": "string"}}},
            "description": "JPEG pictures, one a part, until the client goes.",
        },
        **errors(404, 503),
    },
    response_class=Response,
    summary="Live picture",
)
async def watch(
    request: Request, name: str = Depends(asked_name), cameras: CameraSet = Depends(get_cameras)
) -> Response:
    """The inspected frames of a camera with their defect map, as MJPEG: at most 20 a second, and only the
    newest for a slow client. Each part's headers name its result: `X-Result-Id`, `X-Verdict`."""
    await run_in_threadpool(cameras.get, name)  # 404 where there is none
    return MjpegResponse(request.app.state.live, source=name, slots=request.app.state.streams)


class MjpegResponse(StreamingResponse):
    """The pictures of one source for as long as the client takes them.

    Raises:
        BusyError: too many are being sent.
    """

    def __init__(self, hub: LiveHub, *, source: str, slots: StreamSlots) -> None:
        slots.take()
        self._slots = slots
        media_type = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        super().__init__(_parts(hub, source), media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slots.give_back()

    async def stream_response(self, send: Send) -> None:
        """Send the parts; a client that takes nothing for `SEND_TIMEOUT_S` is given up."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for part in self.body_iterator:
            if not await was_taken(send, part):
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _parts(hub: LiveHub, source: str) -> AsyncIterator[bytes]:
    with hub.watch(source=source, pictures=True) as viewer:
        yield _BETWEEN
        while True:
            update = await viewer.next()
            if update is None:
                return
            yield part_of(update)


def part_of(update: LiveUpdate) -> bytes:
    """Return one part, with the boundary behind it: browsers show a picture when they have seen its end."""
    picture = update.picture or b""
    head = (
        f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n"
        f"X-Result-Id: {update.result.id}\r\nX-Verdict: {update.result.outcome.value}\r\n\r\n"
    )
    return b"".join((head.encode(), picture, b"\r\n", _BETWEEN))


@socket_router.websocket("/api/v1/live")
async def live(
    socket: WebSocket, source: Optional[str] = Query(None, min_length=1, max_length=MAX_NAME)
) -> None:
    """Send every result that the viewer has time for, and the state of the device once a second, as JSON."""
    slots: StreamSlots = socket.app.state.sockets
    await socket.accept()
    try:
        slots.take()
    except BusyError as error:
        await socket.close(TRY_AGAIN_LATER, str(error)[:120])
        return
    try:
        await _until_either_ends(socket, source)
    finally:
        slots.give_back()


async def _until_either_ends(socket: WebSocket, source: Optional[str]) -> None:
    hub: LiveHub = socket.app.state.live
    with hub.watch(source=source) as viewer:
        tasks = {asyncio.ensure_future(_tell(socket, viewer)), asyncio.ensure_future(_until_gone(socket))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        with suppress(WebSocketDisconnect, asyncio.TimeoutError, asyncio.CancelledError, OSError):
            task.result()


async def _until_gone(socket: WebSocket) -> None:
    """Read what the viewer says, which means nothing, until it goes."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _tell(socket: WebSocket, viewer: Viewer) -> None:
    state_due_s = result_due_s = 0.0
    coming = asyncio.ensure_future(viewer.next())
    try:
        while True:
            now_s = time.monotonic()
            if now_s >= state_due_s:
                state_due_s = now_s + STATE_INTERVAL_S
                state = await run_in_threadpool(partial(state_of, socket.app.state.parts))
                await _send(socket, state.model_dump_json(by_alias=True))
            await asyncio.wait({coming}, timeout=max(0.0, state_due_s - time.monotonic()))
            if not coming.done():
                continue
            update = coming.result()
            if update is None:
                await socket.close(GOING_AWAY, "the server is stopping")
                return
            await asyncio.sleep(max(0.0, result_due_s - time.monotonic()))
            result_due_s = time.monotonic() + MIN_RESULT_INTERVAL_S
            await _send(socket, LiveResultOut.of(update).model_dump_json(by_alias=True))
            coming = asyncio.ensure_future(viewer.next())
    finally:
        coming.cancel()


async def _send(socket: WebSocket, text: str) -> None:
    await asyncio.wait_for(socket.send_text(text), SEND_TIMEOUT_S)


def state_of(parts: Parts) -> LiveStateOut:
    """Return how the device does now."""
    host, drift = parts.models.status(), parts.drift.report()
    in_force, version = _thresholds(parts)
    name = model_version = None
    with suppress(BusyError):
        card = parts.service.card
        name, model_version = card.name, card.version
    return LiveStateOut(
        now=iso_of(int(time.time() * 1000)),
        counts=parts.service.counts(),
        cameras=[CameraOut.of(status) for status in parts.cameras.list()],
        model=LiveModelOut(
            state=host.state,
            reason=host.reason,
            warning=host.warning,
            serving=host.serving,
            shadow=host.shadow,
            loading=host.loading,
            name=name,
            version=model_version,
        ),
        thresholds=None if in_force is None else ThresholdsOut.of(in_force),
        threshold_version=version,
        drift=LiveDriftOut(level=drift.level, sentence=drift.sentence),
    )


def _thresholds(parts: Parts) -> Tuple[Optional[Thresholds], Optional[int]]:
    try:
        return parts.service.thresholds_in_force()
    except BusyError:
        return None, None
