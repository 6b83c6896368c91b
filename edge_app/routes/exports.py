"""Results as CSV and NDJSON, streamed: any number of them in bounded memory."""

import csv
import io
from functools import partial
from typing import List, Sequence, Union

from fastapi import APIRouter, Depends
from starlette.responses import Response

from edge_app.routes.access import get_exports, get_store
from edge_app.routes.answers import errors
from edge_app.routes.filters import asked_filter
from edge_app.routes.results import stored_out
from edge_app.routes.stream import BatchedResponse, StreamSlots
from edge_app.routes.times import iso_of
from edge_app.store import ResultFilter, Store, StoredResult

NDJSON = "application/x-ndjson"
COLUMNS = (
    "id", "created", "verdict", "reason", "image_score", "source", "trigger", "lot",
    "model", "model_version", "model_digest", "fail", "review", "min_area_px", "threshold_version",
    "num_regions", "largest_area_px", "width", "height", "latency_ms", "brightness", "focus",
    "shadow_verdict", "shadow_score", "decision", "decided_by", "decided", "note",
)  # fmt: skip

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection).
_FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"

router = APIRouter(prefix="/api/v1", tags=["results"])


@router.get(
    "/inspections.csv",
    operation_id="export_csv",
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **errors(422, 503)},
    response_class=Response,
    summary="Export as CSV",
)
def export_csv(
    chosen: ResultFilter = Depends(asked_filter),
    store: Store = Depends(get_store),
    exports: StreamSlots = Depends(get_exports),
) -> Response:
    """One line a result, oldest first, with a header line. Text that a spreadsheet would take for a formula
    begins with an apostrophe. Two exports may run at once."""
    return BatchedResponse(
        partial(store.iterate, chosen),
        csv_lines,
        slots=exports,
        media_type="text/csv; charset=utf-8; header=present",
        file_name="inspections.csv",
        head=_written([COLUMNS]),
    )


@router.get(
    "/inspections.ndjson",
    operation_id="export_ndjson",
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}, **errors(422, 503)},
    response_class=Response,
    summary="Export as NDJSON",
)
def export_ndjson(
    chosen: ResultFilter = Depends(asked_filter),
    store: Store = Depends(get_store),
    exports: StreamSlots = Depends(get_exports),
) -> Response:
    """One JSON object a line, as GET of one result answers it, oldest first. Two exports may run at once."""
    return BatchedResponse(
        partial(store.iterate, chosen),
        json_lines,
        slots=exports,
        media_type=NDJSON,
        file_name="inspections.ndjson",
    )


def json_lines(results: Sequence[StoredResult]) -> bytes:
    """Return a JSON object a line."""
    return "".join(f"{stored_out(result).model_dump_json()}\n" for result in results).encode()


def csv_lines(results: Sequence[StoredResult]) -> bytes:
    """Return a CSV line a result, with the columns `COLUMNS`."""
    return _written([_row(result) for result in results])


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless(" +1"), harmless("lot 7-3")
    ("'=1+1", "' +1", 'lot 7-3')
    """
    return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA_STARTS and text.strip(" ") else text


def _row(result: StoredResult) -> List[Union[str, int, float, None]]:
    origin, model, limits = result.origin, result.model, result.thresholds
    quality, shadow, decision = result.quality, result.shadow, result.decision
    return [
        result.id,
        iso_of(result.created_ms),
        result.outcome.value,
        harmless(result.reason),
        result.image_score,
        harmless(origin.source),
        harmless(origin.trigger),
        harmless(origin.lot),
        harmless(model.name),
        harmless(model.version),
        model.digest,
        limits.fail,
        limits.review,
        limits.min_area_px,
        result.threshold_version,
        len(result.regions),
        max((region.area_px for region in result.regions), default=0),
        result.frame_hw[1],
        result.frame_hw[0],
        result.latency_ms,
        None if quality is None else quality.brightness,
        None if quality is None else quality.focus,
        None if shadow is None else shadow.outcome.value,
        None if shadow is None else shadow.image_score,
        None if decision is None else decision.decision,
        None if decision is None else harmless(decision.by),
        None if decision is None else iso_of(decision.when_ms),
        None if decision is None else harmless(decision.note),
    ]


def _written(rows: Sequence[Sequence[Union[str, int, float, None]]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
