"""What routes ask for: the parts of this app, as `create_app` put them on `app.state`.

Names on `app.state`: service, drawings, settings, started_s (monotonic), store, models, cameras, outbox,
drift, metrics, preferences (settings.json), live, sessions. `add_routes` puts exports and replays there.

`async def`, though nothing is awaited: FastAPI runs plain functions in a worker thread, one after the other.
"""

from fastapi import Request

from edge_app.cameras.camera_set import CameraSet
from edge_app.metrics.exposition import Metrics
from edge_app.outbox.outbox import Outbox
from edge_app.preferences import PreferencesFile
from edge_app.routes.stream import StreamSlots
from edge_app.services.drawing import Drawings
from edge_app.services.drift_watch import DriftWatch
from edge_app.services.inspection import InspectionService
from edge_app.services.models import ModelHost
from edge_app.settings import Settings
from edge_app.store import Store


async def get_service(request: Request) -> InspectionService:
    """Return the app's one inspection service."""
    service: InspectionService = request.app.state.service
    return service


async def get_drawings(request: Request) -> Drawings:
    """Return the app's one drawer of pictures."""
    drawings: Drawings = request.app.state.drawings
    return drawings


async def get_settings(request: Request) -> Settings:
    """Return what the server was started with."""
    settings: Settings = request.app.state.settings
    return settings


async def get_store(request: Request) -> Store:
    """Return the store of results, decisions, thresholds and audit."""
    store: Store = request.app.state.store
    return store


async def get_models(request: Request) -> ModelHost:
    """Return the host of the models: serving, previous, shadow."""
    models: ModelHost = request.app.state.models
    return models


async def get_cameras(request: Request) -> CameraSet:
    """Return the set of cameras."""
    cameras: CameraSet = request.app.state.cameras
    return cameras


async def get_outbox(request: Request) -> Outbox:
    """Return the outbox of MQTT and webhook messages."""
    outbox: Outbox = request.app.state.outbox
    return outbox


async def get_drift(request: Request) -> DriftWatch:
    """Return the drift monitor."""
    drift: DriftWatch = request.app.state.drift
    return drift


async def get_metrics(request: Request) -> Metrics:
    """Return the Prometheus metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


async def get_preferences(request: Request) -> PreferencesFile:
    """Return what an administrator may change while the server runs: settings.json."""
    preferences: PreferencesFile = request.app.state.preferences
    return preferences


async def get_exports(request: Request) -> StreamSlots:
    """Return how many exports may be sent at once."""
    exports: StreamSlots = request.app.state.exports
    return exports


async def get_replays(request: Request) -> StreamSlots:
    """Return how many replays may run at once."""
    replays: StreamSlots = request.app.state.replays
    return replays


async def who(request: Request) -> str:
    """Return the name of the asker, as the access middleware found it."""
    return str(request.scope["state"]["who"].name)
