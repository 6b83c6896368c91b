"""Another network of a finished search, and its winner on another part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector import cli
from inspector.console import Console
from inspector.errors import InputError, RunError
from search.autodd.pareto import read_archive
from search.autodd.pick import pick_folder, run_pick
from search.autodd.retrain import Photos, comparison_of, run_retrain
from search.autodd.run import run_search
from search.events import EventLog
from search.recipe import Recipe
from search.run_folder import load_network, load_result
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

QUIET = Console(json_output=True)
# A dual space, so that the digits of a point are not those of its segmenter; retrained from the supernet.
CHANGES = {
    "network": {"space": "dual", "width": 4, "reconstructor_width": 4, "retraining_start": "supernet"},
    "limits": {"max_macs_g": 0.006, "max_latency_ms": 100, "device": "jetson-nano"},
}
Finished = tuple[Recipe, Path]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    recipe = tiny_recipe(write_mvtec(tmp_path_factory.mktemp("data") / "parts"), CHANGES)
    run = tmp_path_factory.mktemp("runs") / "tile"
    run_search(recipe, run, console=QUIET)
    return recipe, run


@pytest.fixture(scope="module")
def retrained(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The winner on another part, and what came of it."""
    other = write_mvtec(tmp_path_factory.mktemp("other") / "parts", num_train=13)
    run = tmp_path_factory.mktemp("new") / "run"
    return run, run_retrain(finished[1], Photos(other), run, console=QUIET)


def weights(run: Path) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(load_network(run).parameters())


def winner_of(run: Path) -> int:
    (number,) = [p.number for p in read_archive(run / "events.jsonl") if p.genes == load_result(run).genes]
    return number


def test_a_search_keeps_its_archive_within_the_limits(finished: Finished) -> None:
    result = json.loads((finished[1] / "result.json").read_text())
    points = result["pareto"]
    assert [point["number"] for point in points] == list(range(1, len(points) + 1))
    assert result["genes"]["digits"] in [point["genes"] for point in points]
    assert all(len(point["genes"]) == 42 for point in points)
    assert all(point["macs_g"] <= 0.006 and point["latency_ms"] <= 100 for point in points)
    page = (finished[1] / "report.html").read_text()
    assert "Other networks to choose from" in page
    assert "Fitness against predicted latency" in page


def test_the_winners_point_is_trained_to_the_winners_weights(finished: Finished) -> None:
    """The same start, photos and steps: only the search is left out."""
    recipe, run = finished
    number = winner_of(run)
    result = run_pick(recipe, run, number, console=QUIET)
    folder = pick_folder(run, number)
    assert torch.equal(weights(folder), weights(run))
    assert (result["origin"]["verb"], result["origin"]["number"]) == ("pick", number)
    assert result["genes"] == {"space": "dual", "digits": load_result(run).genes}
    stages = [event["stage"] for event in EventLog.read(folder / "events.jsonl") if event["kind"] == "stage"]
    assert set(stages) == {"retraining", "evaluation"}


def test_a_pick_that_was_killed_goes_on_and_the_run_stays_as_it_was(
    finished: Finished, tmp_path: Path
) -> None:
    recipe, run = finished
    copy = Path(shutil.copytree(run, tmp_path / "tile"))
    before = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    whole = run_pick(recipe, copy, 1, console=QUIET)
    folder = pick_folder(copy, 1)
    ended = weights(folder)
    for name in ("result.json", "report.html", "checkpoints/final.pt"):
        (folder / name).unlink()
    again = run_pick(recipe, copy, 1, console=QUIET)
    assert torch.equal(weights(folder), ended)
    assert {**again, "seconds": {}, "metrics": {}} == {**whole, "seconds": {}, "metrics": {}}
    assert {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before


def test_a_point_that_is_not_there_is_refused(finished: Finished, tmp_path: Path) -> None:
    recipe, run = finished
    with pytest.raises(InputError, match=r"--pick is 999, but the archive of .*tile has the points 1 to \d+"):
        run_pick(recipe, run, 999, console=QUIET)
    with pytest.raises(RunError, match=r"it has no result\.json"):
        run_pick(recipe, tmp_path, 1, console=QUIET)
    with pytest.raises(RunError, match=r"begun with another recipe \(seed was 0, now 5\)"):
        run_pick(recipe.model_copy(update={"seed": 5}), run, 1, console=QUIET)


def test_the_winner_is_trained_for_another_part_without_a_search(
    finished: Finished, retrained: tuple[Path, dict[str, Any]]
) -> None:
    found, (run, result) = load_result(finished[1]), retrained
    assert (result["genes"]["digits"], result["searched"]) == (found.genes, False)
    assert result["network"] == found.network.as_dict()
    assert result["data"]["fingerprint"] != found.data["fingerprint"]
    assert result["origin"]["verb"] == "retrain"
    assert set(result["seconds"]) == {"retraining", "evaluation"}
    assert run_retrain(finished[1], Photos(Path(result["data"]["root"])), run, console=QUIET) == result


def test_without_a_search_of_its_own_the_time_that_was_saved_is_estimated(
    finished: Finished, retrained: tuple[Path, dict[str, Any]]
) -> None:
    run, result = retrained
    seconds = json.loads((finished[1] / "result.json").read_text())["seconds"]
    comparison = comparison_of(result, finished[1], run)
    assert comparison == {"saved_s": pytest.approx(seconds["one_shot"] + seconds["evolution"])}
    assert json.loads((run / "comparison.json").read_text()) == comparison


def test_a_search_of_its_own_is_put_beside_it(
    finished: Finished, retrained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, result = retrained
    own = Path(shutil.copytree(finished[1], tmp_path / "own"))
    searched = json.loads((own / "result.json").read_text())
    with pytest.raises(InputError, match=r"own was trained on other photos than .*run, so .*; search on"):
        comparison_of(result, finished[1], run, own=own)
    searched["data"]["fingerprint"] = result["data"]["fingerprint"]  # as if it had searched on these
    (own / "result.json").write_text(json.dumps(searched))
    rows = {row["what"]: row for row in comparison_of(result, finished[1], run, own=own)["rows"]}
    assert rows["pixel AUPR"]["searched"] == searched["metrics"]["pixel_aupr"]
    assert (rows["search, s"]["retrained"], rows["search, s"]["searched"] > 0) == (0, True)
    assert rows["multiply-adds, G"]["retrained"] == rows["multiply-adds, G"]["searched"]


def test_the_photos_of_the_search_itself_are_no_other_part(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, run = finished
    run_retrain(run, Photos(recipe.data.root, seed=3), tmp_path / "new", console=QUIET)
    assert "holds the photos that" in capsys.readouterr().err


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run a verb as a machine does and return its one JSON object."""
    capsys.readouterr()
    assert cli.run([*arguments, "--json"]) == 0
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def test_both_are_verbs(
    finished: Finished, retrained: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    source, (run, result) = finished[1], retrained
    number = winner_of(source)
    picked = answer(
        ["search", str(source / "recipe.yaml"), "--run", str(source), "--pick", str(number)], capsys
    )
    assert picked["report"] == str(pick_folder(source, number) / "report.html")
    again = ["retrain", str(source), "--data", result["data"]["root"], "--run", str(run)]
    assert answer(again, capsys)["comparison"]["saved_s"] > 0
    assert cli.run(again) == 0
    assert "saved, from what it took in" in capsys.readouterr().out


def test_a_run_that_is_not_there_ends_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["retrain", str(tmp_path), "--data", str(tmp_path), "--run", str(tmp_path / "new")]
    assert cli.run(arguments) == 2
    assert "is no run: it has no result.json" in capsys.readouterr().err
