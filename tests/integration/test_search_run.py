"""Whole searches on a small drawn data set, from the recipe to the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector import evaluation as evaluation_module
from inspector.console import Console
from inspector.dataset import read_frame, read_mask
from inspector.errors import BudgetError, DatasetError, RunError, SearchSpaceError
from search.autodd import evaluation_stage, trust
from search.autodd.run import run_search
from search.events import EventLog
from search.limits.cost import network_cost
from search.recipe import Recipe
from search.run_folder import RunFolder, load_network, load_result
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

FIXED = {"network": {"genes": "012" * 6}}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("data") / "parts")


@pytest.fixture(scope="module")
def finished(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Path, dict[str, Any]]:
    """A finished run; tests that change it take a copy."""
    recipe, run = tiny_recipe(parts), tmp_path_factory.mktemp("runs") / "run"
    return recipe, run, run_search(recipe, run, console=Console(json_output=True))


def stages(run: Path) -> list[tuple[str, str]]:
    return [(e["stage"], e["state"]) for e in EventLog.read(run / "events.jsonl") if e["kind"] == "stage"]


def test_a_run_leaves_a_result_a_report_and_a_log(finished: tuple[Recipe, Path, dict[str, Any]]) -> None:
    recipe, run, result = finished
    assert json.loads((run / "result.json").read_text()) == result
    assert (run / "report.html").stat().st_size > 10_000
    record = load_result(run)
    assert (record.state, record.space, record.size_hw) == ("finished", "unet", (32, 32))
    assert record.genes == record.network.digits
    cost = network_cost(record.network, (32, 32))
    assert (record.params, record.size_mb, record.macs_g) == (cost.params, cost.size_mb, cost.macs_g)
    data = record.data
    assert data["num_training"] + data["num_validation"] + data["num_calibration"] == 12
    assert (data["num_test_good"], data["num_test_defects"], data["layout"]) == (2, 3, "mvtec")
    assert len(data["fingerprint"]) == 64
    assert record.metrics["num_defect"] == 3
    assert record.recipe == recipe.model_dump(mode="json")
    assert set(result["seconds"]) == {"one_shot", "evolution", "retraining", "evaluation"}
    names = ["one_shot", "evolution", "retraining", "evaluation"]
    assert stages(run) == [(name, state) for name in names for state in ("started", "finished")]


def test_the_weights_of_a_finished_run_are_the_network_of_its_result(
    finished: tuple[Recipe, Path, dict[str, Any]],
) -> None:
    net = load_network(finished[1])
    assert not net.training
    assert sum(parameter.numel() for parameter in net.parameters()) == finished[2]["params"]


def test_continuing_a_finished_run_changes_nothing(finished: tuple[Recipe, Path, dict[str, Any]]) -> None:
    recipe, run, result = finished
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != "run.lock"}
    assert run_search(recipe, run, console=Console(json_output=True)) == result
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_run_killed_between_result_and_report_still_gets_its_report(
    finished: tuple[Recipe, Path, dict[str, Any]], tmp_path: Path
) -> None:
    recipe, run, _ = finished
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    (copy / "report.html").unlink()
    run_search(recipe, copy, console=Console(json_output=True))
    assert (copy / "report.html").read_bytes() == (run / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 9}, "seed was 0, now 9"),
        ({"retraining": {"steps": 7}}, "retraining.steps was 6, now 7"),
    ],
)
def test_another_recipe_in_the_same_folder_is_refused_by_the_name_of_the_key(
    finished: tuple[Recipe, Path, dict[str, Any]], parts: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(RunError, match=rf"begun with another recipe \({named}\); use another --run"):
        run_search(tiny_recipe(parts, change), finished[1], console=Console(json_output=True))


def test_a_second_process_in_the_folder_is_refused(
    finished: tuple[Recipe, Path, dict[str, Any]],
) -> None:
    recipe, run, _ = finished
    with (
        RunFolder(run).claimed(recipe),
        pytest.raises(RunError, match=r"another process is working in .*run; wait for it"),
    ):
        run_search(recipe, run, console=Console(json_output=True))


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_the_place_of_the_run_folder_is_named(parts: Path, tmp_path: Path, inside: bool) -> None:
    (tmp_path / "file").write_text("")
    run = tmp_path / "file" / "run" if inside else tmp_path / "file"
    with pytest.raises(RunError, match=r"file.* cannot be a run folder: a file is in its place"):
        run_search(tiny_recipe(parts), run, console=Console(json_output=True))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {**FIXED, "limits": {"max_params_m": 0.01}},
            BudgetError,
            r"over its limits: parameters .* M over 0\.01 M",
        ),
        (
            {"limits": {"max_params_m": 0.001}},
            SearchSpaceError,
            r"no network of this space is within the limits",
        ),
    ],
)
def test_limits_are_checked_before_anything_is_trained(
    parts: Path, tmp_path: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_search(tiny_recipe(parts, change), tmp_path / "run", console=Console(json_output=True))
    assert EventLog.read(tmp_path / "run/events.jsonl") == []


@pytest.mark.parametrize("network", [FIXED["network"], {"family": "draem"}])
def test_a_fixed_network_is_trained_without_a_search(
    parts: Path, tmp_path: Path, network: dict[str, str]
) -> None:
    run = tmp_path / "run"
    result = run_search(tiny_recipe(parts, {"network": network}), run, console=Console(json_output=True))
    assert result["genes"]["digits"] == network.get("genes", "")
    assert not result["searched"]
    assert [name for name, state in stages(run) if state == "finished"] == ["retraining", "evaluation"]
    assert load_network(run).score is not None


def test_a_plain_folder_without_test_images_is_trained_but_not_measured(
    part: Callable[..., np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(10):
        cv2.imwrite(str(tmp_path / f"photos/{seed}.png"), part(seed))
    run = tmp_path / "run"
    result = run_search(tiny_recipe(tmp_path / "photos", FIXED), run, console=Console(json_output=True))
    assert result["metrics"] == {}
    assert (run / "report.html").exists()
    assert "warning: the data has no test images" in capsys.readouterr().err
    assert ("evaluation", "started") not in stages(run)


def test_a_mask_of_another_size_ends_in_a_sentence_that_names_both(tmp_path: Path) -> None:
    parts = write_mvtec(tmp_path / "parts")
    cv2.imwrite(str(parts / "ground_truth/scratch/001_mask.png"), np.full((30, 40), 255, np.uint8))
    with pytest.raises(DatasetError, match=r"001_mask\.png.*40 x 30.*80 x 60"):
        run_search(tiny_recipe(parts, FIXED), tmp_path / "run", console=Console(json_output=True))
    assert not (tmp_path / "run/result.json").exists()


def test_real_defects_are_opened_in_the_evaluation_and_not_before(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, opened_in = tmp_path / "run", []

    def watch(real: Callable[..., Any]) -> Callable[..., Any]:
        def reading(path: Path, **options: Any) -> Any:
            if "test" in path.parts or "ground_truth" in path.parts:
                opened_in.append(stages(run)[-1])
            return real(path, **options)

        return reading

    for module in (evaluation_module, evaluation_stage):
        monkeypatch.setattr(module, "read_frame", watch(read_frame))
        monkeypatch.setattr(module, "read_mask", watch(read_mask))
    monkeypatch.setattr("search.training.feed.read_frame", watch(read_frame))
    run_search(tiny_recipe(parts), run, console=Console(json_output=True))
    assert set(opened_in) == {("evaluation", "started"), ("evaluation", "finished")}  # measure, then pictures


def test_a_supernet_near_chance_is_said_aloud(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first published run picked its winner out of noise, and nothing told the user."""
    monkeypatch.setattr(trust, "TRUSTED_OVER_CHANCE", 1000.0)  # so that any fitness is near it
    run = tmp_path / "run"
    run_search(tiny_recipe(parts), run, console=Console())
    (event,) = [event for event in EventLog.read(run / "events.jsonl") if event["kind"] == "chance"]
    assert 0 < event["fitness"] < 1
    assert f"where chance is {event['fitness']:.3f}" in capsys.readouterr().err
    assert "a network that has learnt nothing" in (run / "report.html").read_text()
