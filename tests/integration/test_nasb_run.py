"""`inspector search --method nasb`: a whole run, its limits, its archive, a kill at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

from inspector.console import Advance, Console
from inspector.errors import RecipeError, SearchSpaceError
from search.autodd.pick import pick_folder, run_pick
from search.autodd.run import run_search
from search.autodd.space_choice import open_space
from search.cli import search_app
from search.events import EventLog, latest
from search.limits.limits import violations
from search.nets.spec import genes_of
from search.recipe import Recipe, merge
from search.run_folder import RunFolder, load_network
from search.training.checkpoint import load_checkpoint
from tests.conftest import write_mvtec
from tests.search.conftest import SIDE, tiny_recipe

QUIET = Console(json_output=True)
MAX_MACS_G = 0.0014  # networks of this width have 0.00107 to 0.00168
TIMES = ("time", "steps_per_s")


class KilledError(Exception):
    """Stands for a kill."""


class Dying(Console):
    """Dies after so many steps of whatever shows progress."""

    def __init__(self, num_steps: int) -> None:
        super().__init__(json_output=True)
        self._left = num_steps

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        def advance(num: int, note: str = "") -> None:
            self._left -= num
            if self._left < 0:
                raise KilledError(what)

        yield advance


def nasb_recipe(root: Path, changes: dict[str, Any] | None = None) -> Recipe:
    nasb = {"learning_rate": 0.05, "warm_up": 0.2, "derived": 4}
    base = {"method": "nasb", "nasb": nasb, "one_shot": {"steps": 10}, "limits": {"max_macs_g": MAX_MACS_G}}
    return tiny_recipe(root, merge(base, changes or {}))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("nasb") / "photos", num_train=14)


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nasb-run") / "run"
    run_search(nasb_recipe(photos), folder, console=QUIET)
    return folder


def result_of(run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    del result["seconds"], result["metrics"]["latency_ms_median"]
    return result


def candidates_of(run: Path) -> list[dict[str, Any]]:
    events = latest(EventLog.read(RunFolder(run).events), "candidate", ["genes"])
    return [{name: value for name, value in event.items() if name not in TIMES} for event in events]


def test_the_winner_and_all_that_was_derived_are_within_the_limits(run: Path, photos: Path) -> None:
    recipe = nasb_recipe(photos)
    costs = open_space(recipe).costs((SIDE, SIDE))
    assert costs.lowest().macs_g < MAX_MACS_G < costs.cost((0,) * 18).macs_g  # so that the limit matters
    digits = [event["genes"] for event in candidates_of(run)]
    result = result_of(run)
    assert digits[0] == result["genes"]["digits"]
    assert len(set(digits)) == len(digits) > 1
    for genes in digits:
        assert violations(costs.cost(genes_of(genes)), recipe.limits) == []
    assert (result["method"], result["searched"], result["genes"]["space"]) == ("nasb", True, "unet")


def test_strengths_have_learnt_and_the_winner_is_strongest_of_what_fits(run: Path) -> None:
    (event,) = latest(EventLog.read(RunFolder(run).events), "derived", ["genes"])
    strengths = torch.tensor(event["strengths"])
    assert strengths.shape == (18, 3)
    assert (strengths != 0.5).all()
    assert 0 <= strengths.min() < strengths.max() <= 1


def test_a_run_killed_anywhere_ends_as_the_uninterrupted_one(run: Path, photos: Path, tmp_path: Path) -> None:
    killed = tmp_path / "run"
    for num_steps in (1, 7, 12, 18):  # before strengths learn, while they do, after, in the retraining
        with pytest.raises(KilledError, match=r"training|derived|evaluation"):
            run_search(nasb_recipe(photos), killed, console=Dying(num_steps))
    run_search(nasb_recipe(photos), killed, console=QUIET)
    assert result_of(killed) == result_of(run)
    assert candidates_of(killed) == candidates_of(run)
    for stage in ("one_shot", "final"):
        mine, theirs = (load_checkpoint(RunFolder(one).checkpoint(stage)) for one in (killed, run))
        assert mine is not None
        assert theirs is not None
        for part in ("net", "architecture"):
            for name in mine.get(part, {}):
                assert torch.equal(mine[part][name], theirs[part][name]), name


def test_a_point_of_the_archive_can_be_picked_and_the_winners_own_point_is_the_winner(
    run: Path, photos: Path
) -> None:
    result = result_of(run)
    numbers = {point["genes"]: point["number"] for point in result["pareto"]}
    assert numbers
    genes = next(iter(numbers))
    picked = run_pick(nasb_recipe(photos), run, numbers[genes], console=QUIET)
    assert picked["genes"]["digits"] == genes
    assert load_network(pick_folder(run, numbers[genes])) is not None
    if result["genes"]["digits"] in numbers:
        number = numbers[result["genes"]["digits"]]
        run_pick(nasb_recipe(photos), run, number, console=QUIET)
        mine, theirs = load_network(pick_folder(run, number)), load_network(run)
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one, other)


def test_the_report_calls_things_by_their_names(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert "Binary search" in page
    assert "NASB chose the network" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": {"space": "dual", "width": 4, "reconstructor_width": 4}}, r"`method` is nasb, which"),
        ({"network": {"family": "nas_unet"}}, r"`method` is nasb, which searches the family unet"),
        ({"defects": {"style": "joint"}}, r"`method` is nasb, which knows no style gene"),
        ({"method": "nasp"}, r"`method` is 'nasp'"),
    ],
)
def test_what_nasb_cannot_search_is_refused(photos: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        nasb_recipe(photos, changes)


def test_a_limit_below_every_network_is_refused_before_any_training(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(SearchSpaceError, match="multiply-adds"):
        run_search(nasb_recipe(photos, {"limits": {"max_macs_g": 1e-6}}), tmp_path / "run", console=QUIET)
    assert not (tmp_path / "run").exists()


def test_more_devices_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="method nasb searches on one device"):
        run_search(nasb_recipe(photos, {"compute": {"devices": 2}}), tmp_path / "run", console=QUIET)


def test_the_verb_takes_the_method(run: Path, photos: Path, tmp_path: Path) -> None:
    """The finished run is found again: so its recipe is the one with the method on the command line."""
    record = nasb_recipe(photos).model_dump(mode="json")
    record["method"] = "autodd"
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(record))
    answer = CliRunner().invoke(search_app, [str(path), "--run", str(run), "--method", "nasb", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["method"] == "nasb"
