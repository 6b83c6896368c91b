"""Who changed what, when."""

from typing import List, Optional

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from edge_app.routes.access import get_store
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.record import Record
from edge_app.routes.results import MAX_PAGE
from edge_app.routes.times import iso_of
from edge_app.store import Store

router = APIRouter(prefix="/api/v1", tags=["device"])


class AuditEntryOut(Record):
    """One thing that somebody did."""

    when: str = Field(description="UTC, ISO 8601.")
    action: str = Field(examples=["PUT /api/v1/thresholds"])
    by: str = Field(description="The name of the key; `local` for this machine's own programs.")
    detail: str = Field(examples=["status 200"])


class AuditPageOut(Record):
    """One page of the audit log, newest first."""

    items: List[AuditEntryOut]
    next_cursor: Optional[str] = Field(
        description="Give it as `cursor` to get the next page; null at the end."
    )


@router.get(
    "/audit",
    operation_id="list_audit",
    response_model=AuditPageOut,
    responses=errors(422, 507),
    summary="Audit log",
)
def audit(
    cursor: Optional[str] = Query(None, max_length=200, description="`next_cursor` of the page before."),
    limit: int = Query(100, ge=1, le=MAX_PAGE, description="Entries a page."),
    store: Store = Depends(get_store),
) -> Response:
    """Every change by whom and when, and every refused key, newest first. 100,000 entries are kept."""
    page = store.audit_page(cursor=cursor, limit=limit)
    items = [
        AuditEntryOut(when=iso_of(entry.when_ms), action=entry.action, by=entry.by, detail=entry.detail)
        for entry in page.items
    ]
    return json_answer(AuditPageOut(items=items, next_cursor=page.next_cursor))
