"""One trial: the same configuration gives the same network, and what it is measured by never changes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from inspector.dataset import read_frame
from inspector.metrics import aupr
from inspector.postprocess import Verdict, judge
from inspector.preprocess import resize_frame
from inspector.threshold import choose_thresholds
from search.autodd.data import open_run_data
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec, genes_of
from search.recipe import Recipe
from search.tune.camera import CameraSamples
from search.tune.gauge import Gauge, Scorer
from search.tune.material import Material, make_material
from search.tune.recipe import TuneRecipe
from search.tune.trial import TrialTraining
from tests.search.tune.conftest import GENES, tiny_tune

SPEC = NetworkSpec("unet", genes_of(GENES), 2, 2)
CPU = torch.device("cpu")
CONFIG: dict[str, Any] = {
    "learning_rate": 0.004,
    "batch_size": 2,
    "weight_decay": 0.001,
    "focal_gamma": 1.0,
    "focal_alpha": 0.7,
    "ssim": 0.5,
    "blend_max": 0.6,
    "camera_probability": 0.5,
    "ema_decay": 0.5,
}


def training(
    recipe: Recipe,
    settings: TuneRecipe,
    material: Material,
    checkpoint: Path,
    fabric: Fabric,
    **changes: Any,
) -> TrialTraining:
    return TrialTraining(
        recipe,
        settings,
        {**CONFIG, **changes},
        spec=SPEC,
        material=material,
        checkpoint=checkpoint,
        fabric=fabric,
    )


def weights_of(trial: TrialTraining) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trial.weights().state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def fresh_net() -> Detector:
    net = build_detector(SPEC)
    initialise(net, "he", seed=0)
    return net.eval()


def test_a_configuration_reaches_every_part_of_the_training(
    recipe: Recipe, settings: TuneRecipe, material: Material, tmp_path: Path, fabric: Fabric
) -> None:
    trial = training(recipe, settings, material, tmp_path / "t.pt", fabric, width=4)
    made = trial.recipe
    assert (made.retraining.learning_rate, made.retraining.batch_size) == (0.004, 2)
    assert (made.retraining.weight_decay, made.retraining.ema_decay) == (0.001, 0.5)
    assert (made.loss.focal_gamma, made.loss.focal_alpha, made.loss.ssim) == (1.0, 0.7, 0.5)
    assert made.defects.blend_max == 0.6
    assert (made.retraining.steps, trial.spec.width) == (settings.num_steps, 4)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_trial_depends_on_its_configuration_alone(
    recipe: Recipe,
    settings: TuneRecipe,
    material: Material,
    tmp_path: Path,
    fabric: Fabric,
    interrupted: bool,
) -> None:
    first = training(recipe, settings, material, tmp_path / "a.pt", fabric)
    second = training(recipe, settings, material, tmp_path / "b.pt", fabric)
    for iteration in range(1, settings.iterations + 1):
        first.advance()
        second.advance()
        assert first.iteration == second.iteration == iteration
        if interrupted:  # as after a kill: from the file alone, in a new process
            second = training(recipe, settings, material, tmp_path / "b.pt", fabric)
    assert same(weights_of(first), weights_of(second))


def test_a_trial_draws_its_own_defects(recipe: Recipe, material: Material) -> None:
    faint, plain = (
        material.training_samples(
            recipe.defects.model_copy(update={"blend_max": share}), camera_probability=0.0, seed=0
        )
        for share in (0.95, 0.0)
    )
    drawn = [
        (faint.draw((0, index), defect_probability=1.0), plain.draw((0, index), defect_probability=1.0))
        for index in range(len(faint))
    ]
    assert all(np.array_equal(a.mask, b.mask) for a, b in drawn)
    assert any(not np.array_equal(a.frame, b.frame) for a, b in drawn)


@pytest.mark.parametrize("change", [{"camera_probability": 0.0}, {"focal_gamma": 3.0}])
def test_another_configuration_learns_something_else(
    recipe: Recipe,
    settings: TuneRecipe,
    material: Material,
    tmp_path: Path,
    fabric: Fabric,
    change: dict[str, Any],
) -> None:
    first = training(recipe, settings, material, tmp_path / "a.pt", fabric)
    second = training(recipe, settings, material, tmp_path / "b.pt", fabric, **change)
    first.advance()
    second.advance()
    assert not same(weights_of(first), weights_of(second))


def test_a_diverged_trial_says_so_and_stays_where_it_is(
    recipe: Recipe, settings: TuneRecipe, material: Material, tmp_path: Path, fabric: Fabric
) -> None:
    trial = training(recipe, settings, material, tmp_path / "t.pt", fabric)
    with torch.no_grad():
        next(iter(trial._fit.net.parameters())).fill_(math.nan)
    assert trial.advance() is None
    assert "the loss is not a number" in trial.diverged
    assert trial.advance() is None
    assert not (tmp_path / "t.pt").exists()


def test_scores_that_are_no_numbers_are_no_objective_and_meet_no_constraint(
    recipe: Recipe, settings: TuneRecipe, material: Material
) -> None:
    net = fresh_net()
    with torch.no_grad():
        next(iter(net.parameters())).fill_(math.nan)
    gauge = Gauge(recipe, settings, material, CPU)
    assert math.isnan(gauge.objective(net))
    values = gauge.constraints(net, SPEC)
    assert values.keys() == {"robustness", "false_rejects"}
    assert all(math.isnan(value) for value in values.values())


def test_the_objective_is_the_aupr_of_the_validation_samples(
    recipe: Recipe, settings: TuneRecipe, material: Material
) -> None:
    net = fresh_net()
    with torch.no_grad():
        scores = np.concatenate([net.score(batch.image).numpy().ravel() for batch in material.validation])
    labels = np.concatenate([batch.mask.numpy().ravel() > 0.5 for batch in material.validation])
    objective = Gauge(recipe, settings, material, CPU).objective(net)
    assert objective == pytest.approx(aupr(scores, labels), abs=1e-6)  # another memory layout


def test_false_rejects_are_the_good_validation_photos_over_the_calibrated_threshold(
    recipe: Recipe, settings: TuneRecipe, material: Material
) -> None:
    net, score = fresh_net(), Scorer(fresh_net(), CPU)
    choice = choose_thresholds(
        list(score(material.calibration)), false_reject_budget=settings.false_reject_budget
    )
    expected = np.mean(
        [judge(one, choice.thresholds).verdict is Verdict.FAIL for one in score(material.good)]
    )
    gauge = Gauge(recipe, settings, material, CPU)
    assert gauge.constraints(net, SPEC)["false_rejects"] == pytest.approx(expected)
    found = gauge.thresholds(net)
    assert found is not None
    assert found.fail == pytest.approx(choice.thresholds.fail, abs=2e-4)


def test_the_validation_set_does_not_know_what_a_trial_chooses(
    recipe: Recipe, settings: TuneRecipe, material: Material, parts: Path
) -> None:
    again = make_material(recipe, settings, open_run_data(recipe))
    for a, b in zip(material.validation, again.validation, strict=True):
        assert torch.equal(a.image, b.image)
    other = tiny_tune(
        parts, {"tune": {"space": {"blend_max": [0.1, 0.2], "batch_size": [3]}, "seconds": 9.0}}
    )
    assert other.tune is not None
    drawn = make_material(other, other.tune, open_run_data(other))
    for a, b in zip(material.validation, drawn.validation, strict=True):
        assert torch.equal(a.image, b.image)


def test_no_photo_of_the_calibration_or_validation_part_is_trained_on(
    recipe: Recipe, material: Material
) -> None:
    split = open_run_data(recipe).split
    size_hw = (recipe.data.size, recipe.data.size)
    trained = {frame.tobytes() for frame in material.training}
    for sample in (*split.calibration, *split.validation):
        assert resize_frame(read_frame(sample.path), size_hw=size_hw).tobytes() not in trained
    assert len(material.calibration) == len(split.calibration) == len(material.groups)
    assert len(material.good) == len(split.validation)


def test_a_gray_camera_has_no_white_balance(parts: Path) -> None:
    strengths = {"white_balance": [20.0], "jpeg": [30.0], "exposure": [], "shift": []}
    gray = tiny_tune(parts, {"tune": {"constraints": {"robustness": {"strengths": strengths}}}})
    assert gray.tune is not None
    material = make_material(gray, gray.tune, open_run_data(gray))
    assert set(material.strengths) == {"jpeg"}
    assert material.suite is not None
    assert set(material.suite.perturbed) == {"jpeg"}


def test_a_camera_changes_input_and_target_alike(recipe: Recipe, material: Material) -> None:
    plain = material.training_samples(recipe.defects, camera_probability=0.0, seed=1)
    seen = material.training_samples(recipe.defects, camera_probability=1.0, seed=1)
    assert isinstance(seen, CameraSamples)
    keys = [(epoch, index) for epoch in range(4) for index in range(len(plain))]
    num_changed = 0
    for key in keys:
        before, after = (samples.draw(key, defect_probability=0.0) for samples in (plain, seen))
        num_changed += not np.array_equal(before.frame, after.frame)
        assert np.array_equal(after.frame, after.target)  # a good sample: nothing but the camera is different
        again = seen.draw(key, defect_probability=0.0)
        assert np.array_equal(again.frame, after.frame)
    assert num_changed > len(keys) / 2
