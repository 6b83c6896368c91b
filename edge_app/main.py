"""Puts the app together: settings, service, routes and what stands before them."""

import time
from contextlib import asynccontextmanager
from typing import AsyncIterator

from fastapi import FastAPI
from starlette.middleware import Middleware

from edge_app.middleware import HostCheck, StrictHeaders, UploadLimits
from edge_app.routes import device, inspections
from edge_app.routes.answers import add_error_handlers
from edge_app.routes.page import page_router
from edge_app.services.drawing import Drawings
from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.keeping import NoStore
from edge_app.services.serving import LoadedModel, Model, ModelCard, OneModel
from edge_app.settings import Settings
from inspector import __version__

DESCRIPTION = (
    "Send a photo of a part as the body of one POST; get PASS, REVIEW or FAIL with the defective regions. "
    "Every error is a JSON object with one sentence in `detail`."
)


def create_app(model: Model, card: ModelCard, settings: Settings) -> FastAPI:
    """Return the app that serves `model`; its service stops with the app's lifespan."""
    service = InspectionService(OneModel(LoadedModel(model, card)), NoStore(), _limits(settings))
    app = FastAPI(
        title="Visual inspector",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both load scripts from another site
        redoc_url=None,
        redirect_slashes=False,  # a redirect would be built from the Host header
        lifespan=_lifespan,
        middleware=[
            Middleware(StrictHeaders),
            Middleware(
                HostCheck,
                names=(settings.host, *settings.allowed_hosts),
                any_address=settings.allow_remote,
            ),
            Middleware(
                UploadLimits,
                max_bytes=settings.max_body_bytes,
                max_uploads=settings.max_uploads,
                timeout_s=settings.upload_timeout_s,
            ),
        ],
    )
    app.state.service = service
    app.state.drawings = Drawings(max_pixels=settings.max_pixels)
    app.state.settings = settings
    app.state.started_s = time.monotonic()
    add_error_handlers(app)
    app.include_router(inspections.router)
    app.include_router(device.router)
    app.include_router(page_router())
    return app


def _limits(settings: Settings) -> InspectionLimits:
    return InspectionLimits(
        queue_size=settings.queue_size,
        keep_results=settings.keep_results,
        keep_results_bytes=settings.keep_results_bytes,
        max_pixels=settings.max_pixels,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.service.close()
