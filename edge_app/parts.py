"""The parts of a running server: opened in order from its state folder, closed in the reverse order."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import List, Tuple

from edge_app.access.keys import Keys
from edge_app.access.rate_limit import PeerRates
from edge_app.access.sessions import Sessions
from edge_app.access.stack import BURST_S
from edge_app.cameras.camera_set import CameraSet
from edge_app.metrics import measured
from edge_app.metrics.exposition import Metrics
from edge_app.outbox.outbox import Outbox
from edge_app.preferences import Preferences, PreferencesFile
from edge_app.services.camera import CameraStats
from edge_app.services.drawing import Drawings
from edge_app.services.drift_watch import DriftWatch
from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.live import LiveHub
from edge_app.services.models import ModelHost
from edge_app.services.shot import now_ms
from edge_app.settings import Settings
from edge_app.store.state_folder import StateFolder
from edge_app.store.store import Store

SETTINGS_FILE = "settings.json"
CAMERAS_FILE = "cameras.json"
RECORDINGS_FOLDER = "recordings"


@dataclass(frozen=True)
class Parts:
    """What routes find on `app.state`, by the same names."""

    settings: Settings
    preferences: PreferencesFile
    models: ModelHost
    store: Store
    outbox: Outbox
    service: InspectionService
    live: LiveHub
    cameras: CameraSet
    drift: DriftWatch
    drawings: Drawings
    metrics: Metrics
    keys: Keys
    sessions: Sessions
    rates: PeerRates
    closing: ExitStack

    def close(self) -> None:
        """Take no more, finish what was taken, have it stored, and let the folder go. Once is enough."""
        self.closing.close()


def open_parts(settings: Settings, *, folder: StateFolder, models: ModelHost) -> Parts:
    """Open all parts on a locked state folder and a host whose model is loaded; `Parts.close` closes both.

    Raises:
        InspectorError: settings.json, the database or a destination cannot be used; what was opened here is
            closed again, `folder` and `models` are not.
    """
    with ExitStack() as opened:
        parts = _open(settings, folder, models, opened)
        closing = opened.pop_all()
    parts.closing.callback(folder.close)
    parts.closing.callback(models.close)
    parts.closing.push(closing)
    return parts


def _open(settings: Settings, folder: StateFolder, models: ModelHost, opened: ExitStack) -> Parts:
    preferences = PreferencesFile(folder.path / SETTINGS_FILE)
    chosen = preferences.current
    store = Store.open(folder.path, policy=chosen.storage.policy, state=folder)
    opened.callback(store.close)
    outbox = Outbox.open(store.path, store.writer, chosen.destinations, chosen.device_id)
    opened.callback(outbox.close)
    store.add_insert_hook(outbox.enqueue)
    service = InspectionService(models, store, limits_of(settings))
    opened.callback(service.close)
    live = LiveHub()
    opened.callback(live.close)
    drift = DriftWatch(lambda: models.model)
    cameras = CameraSet(folder.path / CAMERAS_FILE, service, recordings=folder.path / RECORDINGS_FOLDER)
    opened.callback(cameras.close)
    metrics = Metrics(
        (
            lambda: measured.of_service(service),
            lambda: measured.of_store(store.status()),
            lambda: measured.of_outbox(outbox.status(), now_ms=now_ms()),
            lambda: measured.of_cameras(_stats(cameras)),
            lambda: _of_models(models),
            lambda: measured.of_drift(drift.report().level),
        )
    )
    for listener in (outbox.on_result, live.publish, drift.on_result, metrics.on_result):
        service.listen(listener)
    rates = PeerRates(per_s=settings.max_requests_per_s, burst=BURST_S * settings.max_requests_per_s)
    parts = Parts(
        settings=settings,
        preferences=preferences,
        models=models,
        store=store,
        outbox=outbox,
        service=service,
        live=live,
        cameras=cameras,
        drift=drift,
        drawings=Drawings(max_pixels=settings.max_pixels),
        metrics=metrics,
        keys=Keys(folder.path),
        sessions=Sessions(),
        rates=rates,
        closing=ExitStack(),
    )
    _apply(parts, chosen)
    preferences.listen(lambda changed: _apply(parts, changed))
    cameras.start()
    return parts


def limits_of(settings: Settings) -> InspectionLimits:
    """Return how much the hub takes and keeps."""
    return InspectionLimits(
        queue_size=settings.queue_size,
        keep_results=settings.keep_results,
        keep_results_bytes=settings.keep_results_bytes,
        max_pixels=settings.max_pixels,
    )


def _stats(cameras: CameraSet) -> List[Tuple[str, CameraStats]]:
    return [(one.settings.name, one.camera) for one in cameras.list() if one.camera is not None]


def _of_models(models: ModelHost) -> measured.Families:
    model = models.model
    return iter(()) if model is None else measured.of_models(models.status(), serving=model.version)


def _apply(parts: Parts, chosen: Preferences) -> None:
    """Make new preferences hold; InputError where a destination cannot be had on this device."""
    parts.outbox.configure(chosen.destinations)
    parts.store.set_policy(chosen.storage.policy)
    per_s = chosen.max_requests_per_s or parts.settings.max_requests_per_s
    parts.rates.allow(per_s=per_s, burst=BURST_S * per_s)
