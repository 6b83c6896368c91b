"""What a person says of a part."""

import asyncio

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from edge_app.routes.access import get_store, who
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.decision import DecisionIn, DecisionOut
from edge_app.routes.records.inspection import PREFIX
from edge_app.routes.results import not_known
from edge_app.store import Store

router = APIRouter(prefix=PREFIX, tags=["results"])


@router.put(
    "/{inspection_id}/decision",
    operation_id="decide",
    response_model=DecisionOut,
    responses=errors(400, 404, 413, 422),
    summary="Decide",
)
async def decide(
    asked: DecisionIn,
    inspection_id: str = Path(..., max_length=100),
    by: str = Depends(who),
    store: Store = Depends(get_store),
) -> Response:
    """Say that the part is good, is defective, or cannot be told. A later decision replaces this one; the
    store keeps both. The answer comes when the decision is on disk."""
    done = store.decide(inspection_id, decision=asked.decision.value, by=by, note=asked.note)
    decision = await asyncio.wrap_future(done)
    if decision is None:
        raise not_known(inspection_id)
    return json_answer(DecisionOut.of(decision))
