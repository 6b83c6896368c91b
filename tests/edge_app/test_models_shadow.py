"""A shadow model: its answers are stored beside the serving one's, change nothing, and can be listed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.models import ModelHost
from edge_app.services.result import Outcome
from edge_app.store import ResultFilter, StoragePolicy, Store, StoredResult
from tests.edge_app.app import encoded
from tests.edge_app.model_bundles import bundle_of, load, other_bundle


def once_shadowed(store: Store, result_id: str) -> StoredResult:
    for _ in range(5000):
        stored = store.get(result_id)
        if stored is not None and stored.shadow is not None:
            return stored
        time.sleep(0.002)
    raise AssertionError("the shadow model gave no answer")


def test_disagreements_are_logged_and_change_no_verdict(tmp_path: Path) -> None:
    models = ModelHost(tmp_path / "models", load)
    models.start(bundle_of(tmp_path, "1"))
    shadow = models.upload(other_bundle(tmp_path, "2", bright=0.5).read_bytes()).stored.digest
    models.set_shadow(shadow).result()
    store = Store.open(tmp_path / "state", policy=StoragePolicy(photos="all"))
    service = InspectionService(models, store, InspectionLimits())
    outcomes = {}
    for gray in (20, 150, 250):  # both PASS; only the shadow sees a defect; both FAIL
        photo = encoded(np.full((32, 48, 3), gray, np.uint8))
        result = service.submit(photo, media_type="image/png").result(20).result
        stored = once_shadowed(store, result.id)
        assert stored.shadow is not None
        assert stored.shadow.model.digest == shadow
        assert stored.model.version == "1"
        outcomes[gray] = (stored.outcome, stored.shadow.outcome)
    assert outcomes == {
        20: (Outcome.PASS, Outcome.PASS),
        150: (Outcome.PASS, Outcome.FAIL),
        250: (Outcome.FAIL, Outcome.FAIL),
    }
    disagreed = list(store.iterate(ResultFilter(shadow_disagrees=True)))
    assert [(result.outcome, result.model.version) for result in disagreed] == [(Outcome.PASS, "1")]
    models.set_shadow(None).result()
    photo = encoded(np.full((32, 48, 3), 150, np.uint8))
    alone = service.submit(photo, media_type="image/png").result(20).result
    service.close()
    stored_alone = store.get(alone.id)
    assert stored_alone is not None
    assert stored_alone.shadow is None
    store.close()
    models.close()
