"""A fresh copy can serve: the shipped bundle is whole, small, and finds defects that it has never seen."""

from __future__ import annotations

import pytest
import yaml

from inspector.bundle import Bundle
from inspector.dataset import open_dataset, read_frame
from inspector.demo_part import write_demo_part
from inspector.postprocess import Verdict
from inspector.runtime import Runner
from inspector.shipped import shipped_bundle


@pytest.fixture(scope="module")
def runner() -> Runner:
    path = shipped_bundle()
    assert path is not None
    return Runner.open(Bundle.open(path), threads=1)


def test_it_answers_here_as_where_it_was_made(runner: Runner) -> None:
    assert runner.self_test() <= runner.bundle.tolerance["fp32"]


def test_it_is_a_few_megabytes(runner: Runner) -> None:
    assert sum(len(data) for data in runner.bundle.files.values()) < 4_000_000


def test_it_is_of_the_recipe_beside_it(runner: Runner) -> None:
    assert runner.bundle.path.name == "demo_part"
    recipe = yaml.safe_load((runner.bundle.path.parent / "demo_part.yaml").read_text())
    made_with = runner.bundle.manifest.provenance.recipe
    assert made_with["data"]["size"] == recipe["data"]["size"]
    for section in ("one_shot", "evolution", "retraining"):
        for key, value in recipe[section].items():
            assert made_with[section][key] == value, (section, key)


def test_it_tells_good_parts_from_defective_ones(
    runner: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Parts drawn with another seed than those it was trained and measured on."""
    folder = tmp_path_factory.mktemp("part") / "other"
    write_demo_part(folder, seed=7, num_train=1, num_test_good=12, num_per_defect=3)
    dataset = open_dataset(folder)
    verdicts = {
        sample.name: runner.inspect(read_frame(sample.path)).judgement.verdict for sample in dataset.test
    }
    good = [verdicts[sample.name] for sample in dataset.test_good]
    defective = [verdicts[sample.name] for sample in dataset.test_defects]
    assert good.count(Verdict.FAIL) <= 2
    assert defective.count(Verdict.PASS) <= len(defective) // 3
