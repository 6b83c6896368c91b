"""Puts every route of the REST interface on an app."""

from fastapi import FastAPI

from edge_app.routes import device, inspections
from edge_app.routes.answers import add_error_handlers
from edge_app.routes.page import page_router

ROUTERS = (inspections.router, device.router)


def add_routes(app: FastAPI) -> None:
    """Add the error handlers, the routes under /api/v1 and the page; `routes.access` names the parts they use."""
    add_error_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(page_router())
