"""The hub on the real store: what is acknowledged is on disk, later shadows and thresholds too."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.result import Origin, Outcome
from edge_app.store.filters import ResultFilter
from edge_app.store.store import Store
from inspector.postprocess import Thresholds
from inspector.view import View
from tests.edge_app.app import encoded, photo_frame
from tests.edge_app.hub import WAIT_S, FakeHost, loaded

PHOTO = encoded(photo_frame())
LENIENT = Thresholds(fail=1.0, review=1.0, min_area_px=4)


def test_an_acknowledged_photo_is_on_disk_with_its_map_and_what_the_shadow_said(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    hub = InspectionService(
        FakeHost(loaded(), loaded(digest="d2", thresholds=LENIENT)), store, InspectionLimits()
    )
    stored = hub.submit(PHOTO, media_type="image/png").result(WAIT_S)
    assert stored.receipt.stored
    assert stored.receipt.kept_files
    hub.close()
    store.close()
    again = Store.open(tmp_path)
    found = again.get(stored.result.id)
    assert found is not None
    assert (found.outcome, found.layout) == (Outcome.FAIL, None)
    assert found.shadow is not None
    assert (found.shadow.model.digest, found.shadow.outcome) == ("d2", Outcome.PASS)
    assert [item.id for item in again.page(ResultFilter(shadow_disagrees=True)).items] == [found.id]
    assert again.photo(found.id) == (PHOTO, "image/png")
    score = again.score(found.id)
    assert score is not None
    assert stored.result.score is not None
    np.testing.assert_array_equal(score, stored.result.score)
    again.close()


def test_thresholds_hold_from_their_commit_on_and_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    hub = InspectionService(FakeHost(loaded()), store, InspectionLimits())
    assert hub.thresholds_in_force()[1] == 0
    store.set_thresholds("d1", LENIENT, "anna").result(WAIT_S)
    assert hub.thresholds_in_force() == (LENIENT, 1)
    result = hub.submit(PHOTO, media_type="image/png").result(WAIT_S).result
    assert (result.outcome, result.threshold_version) == (Outcome.PASS, 1)
    hub.close()
    store.close()
    store = Store.open(tmp_path)
    hub = InspectionService(FakeHost(loaded()), store, InspectionLimits())
    assert hub.thresholds_in_force() == (LENIENT, 1)
    hub.close()
    store.close()


def test_a_stored_view_says_how_the_map_lies_on_the_photo(tmp_path: Path) -> None:
    view = View(roi=((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    store = Store.open(tmp_path)
    hub = InspectionService(FakeHost(loaded()), store, InspectionLimits())
    result = hub.submit_frame(photo_frame(), origin=Origin(source="line"), view=view).result(WAIT_S)
    hub.close()
    found, score = store.get(result.id), store.score(result.id)
    store.close()
    assert found is not None
    assert score is not None
    assert found.layout is not None
    judgement = found.layout.to_frame(found.layout.judge(score, found.thresholds))
    assert judgement.regions == found.regions == result.regions
