"""Where results are sent: how it goes, and the messages that a receiver refused for good."""

import asyncio
from typing import Optional

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from edge_app.outbox.outbox import Outbox
from edge_app.routes.access import get_outbox
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.outbox import (
    DeadMessageOut,
    DeadPageOut,
    DestinationOut,
    OutboxOut,
    RequeuedOut,
    RequeueIn,
)

router = APIRouter(prefix="/api/v1/outbox", tags=["outbox"])


def asked_name(name: str = Path(..., max_length=40, description="The destination's name.")) -> str:
    """Read which destination is meant."""
    return name


@router.get(
    "", operation_id="get_outbox", response_model=OutboxOut, responses=errors(422), summary="Destinations"
)
def read(outbox: Outbox = Depends(get_outbox)) -> Response:
    """What waits for each destination, and whether it answers."""
    return json_answer(OutboxOut(destinations=[DestinationOut.of(status) for status in outbox.status()]))


@router.get(
    "/{name}/dead",
    operation_id="list_dead_messages",
    response_model=DeadPageOut,
    responses=errors(404, 422),
    summary="Refused messages",
)
def dead(
    name: str = Depends(asked_name),
    cursor: Optional[str] = Query(
        None, pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before."
    ),
    limit: int = Query(100, ge=1, le=500, description="Messages a page."),
    outbox: Outbox = Depends(get_outbox),
) -> Response:
    """Messages that the receiver refused for good, oldest first, each with the reason."""
    found = outbox.dead_letters(name, limit=limit, after=int(cursor or 0))
    is_last = len(found) < limit
    return json_answer(
        DeadPageOut(
            items=[DeadMessageOut.of(message) for message in found],
            next_cursor=None if is_last else str(found[-1].number),
        )
    )


@router.post(
    "/{name}/dead/requeue",
    operation_id="requeue_dead_messages",
    response_model=RequeuedOut,
    responses=errors(400, 404, 413, 422, 507),
    summary="Send refused messages again",
)
async def requeue(
    asked: RequeueIn, name: str = Depends(asked_name), outbox: Outbox = Depends(get_outbox)
) -> Response:
    """Put refused messages back into the queue: they keep their ids and go first. A pause ends."""
    num_requeued = await asyncio.wrap_future(outbox.requeue(name, asked.numbers))
    outbox.resume(name)
    return json_answer(RequeuedOut(requeued=num_requeued))
