"""What people decided, as a labels patch for the clean-up of a data set."""

import time
from dataclasses import replace
from functools import partial
from typing import Iterator, Sequence

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.routes.access import get_exports, get_store
from edge_app.routes.answers import errors
from edge_app.routes.exports import NDJSON
from edge_app.routes.filters import asked_filter
from edge_app.routes.stream import BatchedResponse, StreamSlots
from edge_app.services.decision_patch import decision_patch
from edge_app.store import ResultFilter, Store

router = APIRouter(prefix="/api/v1", tags=["results"])


@router.get(
    "/labels.jsonl",
    operation_id="export_labels",
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}, **errors(422, 503)},
    response_class=Response,
    summary="Decisions as a labels patch",
)
def labels(
    chosen: ResultFilter = Depends(asked_filter),
    store: Store = Depends(get_store),
    exports: StreamSlots = Depends(get_exports),
) -> Response:
    """The last decision on each result whose photo is kept, as JSON lines: first the fingerprint of the
    photos, then a line a decision. `inspector labels` takes it. Every photo is read once."""
    decided = chosen if chosen.decision not in (None, "none") else replace(chosen, decision="any")
    return BatchedResponse(
        partial(_lines, store, decided),
        _joined,
        batch=1000,
        slots=exports,
        media_type=NDJSON,
        file_name="labels.jsonl",
    )


def _lines(store: Store, decided: ResultFilter) -> Iterator[str]:
    patch = decision_patch(store.iterate(decided), store, created_ms=int(time.time() * 1000))
    return iter(patch.lines())


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(lines).encode()
