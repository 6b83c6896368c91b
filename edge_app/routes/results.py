"""The stored results: a list in pages, and one by its id."""

from typing import Optional, Union

from fastapi import APIRouter, Depends, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_app.routes.access import get_service, get_store
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.filters import asked_filter
from edge_app.routes.records.decision import DecisionOut
from edge_app.routes.records.inspection import PREFIX, InspectionOut, InspectionPageOut
from edge_app.services.inspection import InspectionService
from edge_app.services.result import Result
from edge_app.store import ResultFilter, Store, StoredResult

MAX_PAGE = 500
IN_MEMORY_ONLY = "it is only in memory: the storage settings or a full disk kept it from being stored"

router = APIRouter(prefix=PREFIX, tags=["results"])


@router.get(
    "",
    operation_id="list_inspections",
    response_model=InspectionPageOut,
    responses=errors(422),
    summary="List results",
)
def list_results(
    chosen: ResultFilter = Depends(asked_filter),
    cursor: Optional[str] = Query(None, max_length=200, description="`next_cursor` of the page before."),
    limit: int = Query(50, ge=1, le=MAX_PAGE, description="Results a page."),
    store: Store = Depends(get_store),
) -> Response:
    """Newest first. Pages are stable: results that come in meanwhile do not shift them."""
    page = store.page(chosen, cursor=cursor, limit=limit)
    return json_answer(
        InspectionPageOut(items=[stored_out(item) for item in page.items], next_cursor=page.next_cursor)
    )


@router.get(
    "/{inspection_id}",
    operation_id="get_inspection",
    response_model=InspectionOut,
    responses=errors(404),
    summary="One result",
)
def read(
    inspection_id: str = Path(..., max_length=100),
    store: Store = Depends(get_store),
    service: InspectionService = Depends(get_service),
) -> Response:
    """The same JSON that POST answered, with what a person decided since."""
    found = find(inspection_id, store=store, service=service)
    return json_answer(stored_out(found) if isinstance(found, StoredResult) else fresh_out(found))


def find(inspection_id: str, *, store: Store, service: InspectionService) -> Union[StoredResult, Result]:
    """Return the result from the disk, else from memory; answer 404 where it is in neither."""
    found = store.get(inspection_id) or service.find(inspection_id)
    if found is None:
        raise not_known(inspection_id)
    return found


def not_known(inspection_id: str) -> HTTPException:
    """Return the 404 for a result that is not there."""
    return HTTPException(
        404,
        f"inspection {inspection_id[:40]!r} is not known: there was none, or it is no longer kept",
    )


def stored_out(stored: StoredResult) -> InspectionOut:
    """Shape a stored result."""
    decision = stored.decision
    return InspectionOut.of(
        stored,
        has_photo=stored.has_photo,
        has_score=stored.has_score,
        decision=None if decision is None else DecisionOut.of(decision),
    )


def fresh_out(result: Result, *, not_stored_because: str = IN_MEMORY_ONLY) -> InspectionOut:
    """Shape a result that is in memory."""
    return InspectionOut.of(
        result,
        has_photo=True,
        has_score=result.score is not None,
        not_stored_because=not_stored_because,
    )
