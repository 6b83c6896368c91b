"""Puts the app together: what stands before the routes, the routes, and the parts that they use."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import AsyncIterator

from fastapi import FastAPI

from edge_app.access.stack import middleware
from edge_app.parts import Parts
from edge_app.routes.api import add_routes
from edge_app.routes.page import FILES
from inspector import __version__

DESCRIPTION = (
    "Send a photo of a part as the body of one POST; get PASS, REVIEW or FAIL with the defective regions. "
    "Every error is a JSON object with one sentence in `detail`."
)


def create_app(parts: Parts) -> FastAPI:
    """Return the app over `parts`; they start to work with the app's lifespan and are closed at its end."""
    app = FastAPI(
        title="Visual inspector",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both load scripts from another site
        redoc_url=None,
        redirect_slashes=False,  # a redirect would be built from the Host header
        lifespan=_lifespan,
        middleware=middleware(
            parts.settings,
            parts.keys,
            parts.sessions,
            pages=frozenset(FILES),
            audit=parts.store.audit,
            rates=parts.rates,
        ),
    )
    app.state.parts = parts
    for field in fields(parts):
        setattr(app.state, field.name, getattr(parts, field.name))
    app.state.started_s = time.monotonic()
    add_routes(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    yield
    # Closing waits for inspections and for the disk, and answers that are under way need the loop meanwhile.
    await asyncio.get_running_loop().run_in_executor(None, parts.close)
