"""Operators' decisions as a labels patch: who said what of which photo, and for which photos it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_app.services.decision_patch import decision_patch
from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.store import ResultFilter, StoragePolicy, Store
from inspector.dataset import open_dataset
from inspector.patch import parse_patch
from inspector.postprocess import Thresholds
from tests.edge_app.app import encoded

DECIDED = ResultFilter(decision="any")
NOON_MS = 1_795_521_600_000  # 2026-11-24T12:00:00Z
OUTCOMES = {"a": Outcome.PASS, "b": Outcome.FAIL, "c": Outcome.REVIEW, "d": Outcome.PASS, "e": Outcome.FAIL}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state", policy=StoragePolicy(photos="all"))
    rng = np.random.default_rng(0)
    for result_id, outcome in {**OUTCOMES, "f": Outcome.NO_DECISION}.items():
        frame = rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)
        result = Result(
            id=result_id,
            created_ms=NOON_MS,
            outcome=outcome,
            origin=Origin(),
            model=ModelVersion("d" * 64, "part", "1"),
            thresholds=Thresholds(fail=0.5, review=0.25, min_area_px=4),
            frame_hw=(32, 48),
            photo=Photo(data=encoded(frame), media_type="image/png"),
            image_score=0.75,
        )
        assert store.add(result).result(10).kept_files
    yield store
    store.close()


def decide(store: Store, **said: str) -> None:
    for result_id, decision in said.items():
        assert store.decide(result_id, decision=decision, by="mia").result(10) is not None


def test_every_decision_is_a_proposal_that_was_decided(store: Store) -> None:
    decide(store, a="defect", b="defect", c="good", d="unsure", f="good")
    patch = decision_patch(store.iterate(DECIDED), store, created_ms=NOON_MS)
    told = [(p.id, p.file, p.given, p.proposed, p.decision, p.label) for p in patch.proposals]
    assert told == [
        ("a", "a.png", "good", "defect", "accepted", "defect"),  # a missed defect
        ("b", "b.png", "defect", "defect", "accepted", "defect"),  # agreed
        ("c", "c.png", "review", "good", "accepted", "good"),
        ("d", "d.png", "good", "unsure", "open", "good"),
    ]
    first = patch.proposals[0]
    assert (first.by, first.kind, first.score, first.margin) == ("mia", "operator", 0.75, 0.25)
    assert first.when.endswith("Z")
    assert patch.header.created == "2026-11-24T12:00:00Z"


def test_the_last_word_counts(store: Store) -> None:
    decide(store, a="defect")
    decide(store, a="good")
    (proposal,) = decision_patch(store.iterate(DECIDED), store, created_ms=NOON_MS).proposals
    assert proposal.proposed == "good"


def test_the_fingerprint_is_that_of_a_folder_with_these_photos(store: Store, tmp_path: Path) -> None:
    decide(store, a="defect", b="good", c="good")
    patch = decision_patch(store.iterate(DECIDED), store, created_ms=NOON_MS)
    folder = tmp_path / "photos"
    folder.mkdir()
    for proposal in patch.proposals:
        photo = store.photo(proposal.id)
        assert photo is not None
        (folder / proposal.file).write_bytes(photo[0])
    patch.check_made_for(open_dataset(folder).fingerprint())
    assert parse_patch("".join(patch.lines()).encode(), where="labels.jsonl") == patch


def test_a_photo_that_is_gone_cannot_be_cleaned_up(store: Store, tmp_path: Path) -> None:
    decide(store, a="defect", b="good")
    (lost,) = (tmp_path / "state").rglob("a.png")
    lost.unlink()
    patch = decision_patch(store.iterate(DECIDED), store, created_ms=NOON_MS)
    assert [proposal.id for proposal in patch.proposals] == ["b"]


def test_without_decisions_the_patch_is_a_header(store: Store) -> None:
    assert decision_patch(store.iterate(DECIDED), store, created_ms=NOON_MS).proposals == ()
