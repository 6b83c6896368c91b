"""Puts every route of the REST interface on an app."""

from fastapi import Depends, FastAPI

from edge_app.routes import (
    audit,
    cameras,
    decisions,
    drift,
    exports,
    health,
    inspect,
    labels,
    live,
    metrics,
    models,
    outbox,
    pictures,
    replay,
    results,
    served_model,
    session,
    settings,
    statistics,
    thresholds,
)
from edge_app.routes.answers import add_error_handlers
from edge_app.routes.openapi import describe
from edge_app.routes.page import page_router
from edge_app.routes.stream import StreamSlots
from edge_app.routes.strict import known_query

MAX_EXPORTS = 2
MAX_REPLAYS = 1

PARTS = (
    inspect, results, pictures, decisions, exports, labels, statistics, thresholds, cameras, served_model,
    models, replay, outbox, health, drift, metrics, audit, settings, session, live,
)  # fmt: skip


def add_routes(app: FastAPI) -> None:
    """Add the error handlers, the routes under /api/v1, /metrics and the page.

    `routes.access` names the parts on `app.state` that they use.
    """
    app.state.exports = StreamSlots(MAX_EXPORTS, kind="exports")
    app.state.replays = StreamSlots(MAX_REPLAYS, kind="replays")
    live.add_slots(app)
    add_error_handlers(app)
    for part in PARTS:
        app.include_router(part.router, dependencies=[Depends(known_query)])
    app.include_router(live.socket_router)  # a WebSocket has no query to check in HTTP's way
    app.include_router(page_router())
    describe(app)
