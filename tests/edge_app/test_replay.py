"""Replay: judged again is judged afresh, the same thresholds change nothing, and it can be cancelled."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer

from edge_app.replay_cli import app
from edge_app.services.give_way import LONGEST_PAUSE_S, PAUSE_S, GiveWay
from edge_app.services.inspection import InspectionLimits, InspectionService
from edge_app.services.models import ModelHost
from edge_app.services.replay import (
    JudgeAgain,
    ReplayCounts,
    VerdictChange,
    by_model,
    replay,
    under_thresholds,
)
from edge_app.services.result import Origin, Outcome
from edge_app.services.threshold_override import ThresholdOverride
from edge_app.store import ResultFilter, StoragePolicy, Store
from edge_app.store.read_only import ReadOnlyStore
from inspector.errors import InputError
from inspector.image_file import decode_frame
from inspector.postprocess import judge
from inspector.view import Tiles, View
from tests.edge_app.app import encoded
from tests.edge_app.model_bundles import bundle_of, data_of, load

ALL = ResultFilter()
VIEW = View(
    roi=((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    ignore=(((0.6, 0.6), (0.7, 0.6), (0.7, 0.7)),),
    tiles=Tiles(),
)
DIMMER = ThresholdOverride(fail=0.2)


@dataclass(frozen=True)
class Line:
    """A line that has inspected some parts."""

    folder: Path
    models: ModelHost
    service: InspectionService
    store: Store

    @property
    def ids(self) -> list[str]:
        return [result.id for result in self.store.iterate(ALL)]


def photo(brightness: int) -> np.ndarray:
    """A gray part with a square as bright as asked for."""
    frame = np.random.default_rng(brightness).integers(90, 110, (64, 96, 3), dtype=np.uint8)
    frame[20:44, 30:60] = brightness
    return frame


BRIGHT = (120, 140, *range(160, 187, 3), 200, 240)  # PASS to REVIEW to FAIL


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Photos of growing defects in two lots, the same through a view, and camera frames."""
    folder = tmp_path / "state"
    models = ModelHost(folder / "models", load)
    models.start(bundle_of(tmp_path, "1"))
    store = Store.open(folder, policy=StoragePolicy(photos="all"))
    service = InspectionService(models, store, InspectionLimits())
    for number, bright in enumerate(BRIGHT):
        origin = Origin(lot=f"lot {number % 2}")
        data = encoded(photo(bright))
        service.submit(data, media_type="image/png", origin=origin).result(20)
        service.submit(data, media_type="image/png", origin=origin, view=VIEW).result(20)
        service.submit_frame(photo(bright), origin=Origin(source="left", trigger="continuous")).result(20)
    service.submit_no_decision(photo(120), origin=Origin(source="left"), reason="frozen").result(20)
    yield Line(folder, models, service, store)
    service.close()
    store.close()
    models.close()


def replayed(line: Line, judge_again: JudgeAgain) -> tuple[list[VerdictChange], ReplayCounts]:
    counts = ReplayCounts()
    return list(replay(line.store.iterate(ALL), judge_again, counts)), counts


def test_the_parts_show_every_verdict(line: Line) -> None:
    assert {result.outcome for result in line.store.iterate(ALL)} == set(Outcome)


def test_the_same_thresholds_change_nothing(line: Line) -> None:
    changes, counts = replayed(line, under_thresholds(line.store, ThresholdOverride()))
    assert changes == []
    assert (counts.num_seen, counts.num_judged, counts.num_skipped) == (40, 39, 1)


def test_judged_again_is_what_was_stored_to_the_last_region(line: Line) -> None:
    judge_again = under_thresholds(line.store, ThresholdOverride())
    num_regions = 0
    for result in line.store.iterate(ALL):
        if result.outcome is Outcome.NO_DECISION:
            continue
        judgement = judge_again(result)
        assert judgement is not None
        assert judgement.image_score == result.image_score
        layout = result.layout
        on_frame = judgement.scaled_to(result.frame_hw) if layout is None else layout.to_frame(judgement)
        assert on_frame.regions == result.regions
        num_regions += len(on_frame.regions)
    assert num_regions > 10


def test_other_thresholds_give_what_a_fresh_inspection_gives(line: Line) -> None:
    judge_again = under_thresholds(line.store, DIMMER)
    changes, counts = replayed(line, judge_again)
    assert counts.num_changed == len(changes) > 5
    changed = {change.id: change for change in changes}
    for result in list(line.store.iterate(ALL)):
        stored = line.store.photo(result.id)
        if result.outcome is Outcome.NO_DECISION or result.origin.source != "rest" or stored is None:
            continue
        fresh = line.service.submit(stored[0], media_type=stored[1], view=result.view, override=DIMMER)
        outcome = fresh.result(20).result.outcome
        assert outcome is (changed[result.id].after if result.id in changed else result.outcome)


def test_a_change_says_where_when_and_from_what_to_what(line: Line) -> None:
    changes, counts = replayed(line, under_thresholds(line.store, DIMMER))
    first = changes[0]
    result = line.store.get(first.id)
    assert result is not None
    assert (first.created_ms, first.lot, first.source) == (
        result.created_ms,
        result.origin.lot,
        result.origin.source,
    )
    assert first.before is result.outcome
    assert first.score_before == first.score_after == result.image_score  # only the threshold is another one
    assert counts.changed[first.before, first.after] >= 1
    assert sum(counts.changed.values()) == counts.num_changed


def test_the_same_model_gives_the_same_answers_for_photos_that_were_posted(line: Line) -> None:
    with line.models.serving() as model:
        judge_again = by_model(line.store, model)
        for result in line.store.iterate(ResultFilter(sources=("rest",))):
            judgement = judge_again(result)
            assert judgement is not None
            assert judgement.image_score == result.image_score
            assert judgement.verdict.value == result.outcome.value


def test_another_model_is_judged_by_its_own_thresholds(line: Line, tmp_path: Path) -> None:
    digest = line.models.upload(data_of(tmp_path, "2")).stored.digest
    model = line.models.load_aside(digest)
    assert line.models.status().serving != digest
    limits = DIMMER.apply(model.card.thresholds)
    changes, counts = replayed(line, by_model(line.store, model, thresholds=limits))
    assert counts.num_judged == 39
    for change in changes:
        stored = line.store.photo(change.id)
        result = line.store.get(change.id)
        assert stored is not None
        assert result is not None
        if result.view is None:
            score = model.score(decode_frame(stored[0]))
            assert judge(score, limits).verdict.value == change.after.value
    assert len(changes) > 5


def test_files_that_are_gone_and_photos_that_are_damaged_are_counted(line: Line) -> None:
    paths = sorted((line.folder / "files").rglob("*.png"))
    paths[0].unlink()
    paths[1].write_bytes(b"no photo")
    for path in list((line.folder / "files").rglob("*.score"))[:3]:
        path.unlink()
    with line.models.serving() as model:
        _, counts = replayed(line, by_model(line.store, model))
    assert (counts.num_without_file, counts.num_unreadable, counts.num_judged) == (1, 1, 37)
    _, counts = replayed(line, under_thresholds(line.store, DIMMER))
    assert (counts.num_without_file, counts.num_judged) == (3, 36)


def test_thresholds_that_contradict_each_other_are_said(line: Line) -> None:
    with pytest.raises(InputError, match="review must be the smaller one"):
        replayed(line, under_thresholds(line.store, ThresholdOverride(review=0.9)))


def test_a_replay_can_be_cancelled_between_two_results(line: Line) -> None:
    counts, give_way = ReplayCounts(), GiveWay(lambda: 0)
    changes = replay(line.store.iterate(ALL), under_thresholds(line.store, DIMMER), counts, give_way=give_way)
    next(changes)
    seen = counts.num_seen
    give_way.cancel()
    assert list(changes) == []
    assert counts.num_seen == seen < 40


def test_a_replay_waits_while_photos_wait_but_not_for_ever() -> None:
    waiting = [3, 2, 1, 0]
    slept: list[float] = []
    assert GiveWay(lambda: waiting.pop(0), sleep=slept.append)()
    assert slept == [PAUSE_S] * 3
    slept.clear()
    assert GiveWay(lambda: 5, sleep=slept.append)()
    assert sum(slept) == pytest.approx(LONGEST_PAUSE_S, abs=2 * PAUSE_S)


def run(*arguments: str) -> int:
    command = typer.main.get_command(app)
    return int(command.main(args=list(arguments), prog_name="inspector replay", standalone_mode=False) or 0)


def test_the_verb_works_beside_the_running_server(
    line: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "changes.csv"
    assert run(str(line.folder), "--fail", "0.2", "--out", str(out), "--json") == 0
    expected, counts = replayed(line, under_thresholds(line.store, DIMMER))
    told = json.loads(capsys.readouterr().out)
    assert told["num_changed"] == counts.num_changed
    assert [change["id"] for change in told["changes"]] == [change.id for change in expected]
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [change.id for change in expected]
    assert rows[0]["lot"] == expected[0].lot
    assert rows[0]["time"].endswith("Z")


def test_the_verb_tells_people_and_filters(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    run(str(line.folder), "--fail", "0.2", "--lot", "lot 1", "--source", "rest")
    lines = capsys.readouterr().out.splitlines()
    assert all("lot 1" in text for text in lines[1:-1])
    assert "verdicts would change (" in lines[-1]
    run(str(line.folder), "--fail", "0.2", "--from", "2100-01-01")
    assert "0 of 0 results judged again" in capsys.readouterr().out


def test_the_verb_scores_photos_again_with_a_bundle(
    line: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(line.folder), "--bundle", str(bundle_of(tmp_path, "1")), "--source", "rest")
    assert "26 of 26 results judged again: 0 verdicts would change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [((), "there is nothing to replay"), (("--fail", "0.5"), "there are no results in")],
)
def test_the_verb_says_what_is_missing(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        run(str(tmp_path), *arguments)
    assert not list(tmp_path.iterdir())  # nothing was made


def test_reading_alone_changes_nothing(line: Line) -> None:
    for path in list((line.folder / "files").rglob("*.score"))[:1]:
        path.unlink()
    reading = ReadOnlyStore(line.folder)
    lost = [result.id for result in reading.iterate(ALL) if reading.score(result.id) is None]
    reading.close()
    assert len(lost) == 2  # the missing one, and the one without a decision
    assert sum(result.has_score for result in line.store.iterate(ALL)) == 39  # not marked as lost
