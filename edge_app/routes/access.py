"""What routes ask for: the parts of this app, as `create_app` put them on `app.state`.

Names on `app.state`: service, drawings, settings, started_s (monotonic), store, models, cameras, outbox, drift,
metrics, preferences (settings.json), live.
"""

from typing import Any

from fastapi import Request

from edge_app.services.drawing import Drawings
from edge_app.services.inspection import InspectionService
from edge_app.settings import Settings


def get_service(request: Request) -> InspectionService:
    """Return the app's one inspection service."""
    service: InspectionService = request.app.state.service
    return service


def get_drawings(request: Request) -> Drawings:
    """Return the app's one drawer of pictures."""
    drawings: Drawings = request.app.state.drawings
    return drawings


def get_settings(request: Request) -> Settings:
    """Return what the server was started with."""
    settings: Settings = request.app.state.settings
    return settings


def get_store(request: Request) -> Any:
    """Return the store of results, decisions, thresholds and audit."""
    return request.app.state.store


def get_models(request: Request) -> Any:
    """Return the host of the models: serving, previous, shadow."""
    return request.app.state.models


def get_cameras(request: Request) -> Any:
    """Return the set of cameras."""
    return request.app.state.cameras


def get_outbox(request: Request) -> Any:
    """Return the outbox of MQTT and webhook messages."""
    return request.app.state.outbox


def get_drift(request: Request) -> Any:
    """Return the drift monitor."""
    return request.app.state.drift


def get_metrics(request: Request) -> Any:
    """Return the Prometheus metrics."""
    return request.app.state.metrics


def get_preferences(request: Request) -> Any:
    """Return what an administrator may change while the server runs: settings.json."""
    return request.app.state.preferences


def who(request: Request) -> str:
    """Return the name of the asker, as the access middleware found it."""
    principal = request.scope.get("state", {}).get("who")
    return str(principal.name) if principal is not None else "local"
