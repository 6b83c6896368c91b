"""The training loop: a resumed training is the uninterrupted one, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.errors import RunError, TrainingError
from search.losses.segmentation import LossWeights
from search.nets.detector import build_detector, build_one_shot, initialise
from search.nets.spec import NetworkSpec
from search.recipe import ComputeRecipe, TrainingRecipe
from search.training.checkpoint import load_checkpoint
from search.training.device import choose_precision
from search.training.fit import Fit, FitPlan, Forward, StepReport, plain_forward
from tests.search.conftest import make_samples, random_genotype

NUM_STEPS = 8
RECIPE = TrainingRecipe(
    steps=NUM_STEPS,
    batch_size=2,
    optimizer="adamw",
    learning_rate=0.01,
    weight_decay=0.01,
    warmup_steps=2,
    schedule="cosine",
    ema_decay=0.9,
)
COMPUTE = ComputeRecipe(precision="fp32", accelerator="cpu", checkpoint_steps=3, log_steps=2)


class KilledError(Exception):
    """Stands for a kill."""


@dataclass
class Trainer:
    """Makes the same fit again and again, as every start of a run does."""

    checkpoint: Path
    fabric: Fabric
    one_shot: bool = False

    def fit(self, *, recipe: TrainingRecipe = RECIPE, compute: ComputeRecipe = COMPUTE) -> Fit:
        net: nn.Module = build_detector(NetworkSpec("unet", random_genotype(0), 2, 2))
        forward: Forward = plain_forward
        if self.one_shot:
            net, forward = build_one_shot(width=2, reconstructor_width=2), random_path
        initialise(net, "he", seed=0)
        plan = FitPlan(
            recipe=recipe,
            loss=LossWeights(),
            compute=compute,
            seed=0,
            num_steps=recipe.num_steps(5),
            checkpoint=self.checkpoint,
            forward=forward,
        )
        return Fit(net, make_samples(), plan, fabric=self.fabric)


def random_path(net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
    output: tuple[Tensor, Tensor] = net(image, random_genotype(1000 + step))
    return output


def train(fit: Fit, *, die_after: int | None = None) -> list[StepReport]:
    reports: list[StepReport] = []

    def on_step(step: int) -> None:
        if step == die_after:
            raise KilledError

    try:
        fit.run(on_step, reports.append)
    except KilledError:
        assert die_after is not None
    return reports


def flat(state: Any, name: str = "") -> dict[str, Any]:
    """Every leaf of nested dictionaries and lists, by its path."""
    if isinstance(state, dict):
        parts = [flat(value, f"{name}/{key}") for key, value in state.items()]
    elif isinstance(state, list | tuple):
        parts = [flat(value, f"{name}/{number}") for number, value in enumerate(state)]
    else:
        return {name: state}
    return {key: value for part in parts for key, value in part.items()}


def assert_same_state(a: Path, b: Path) -> None:
    ours, theirs = flat(load_checkpoint(a)), flat(load_checkpoint(b))
    assert ours.keys() == theirs.keys()
    different = [
        key
        for key, value in ours.items()
        if key != "/seconds"
        and not (torch.equal(value, theirs[key]) if isinstance(value, Tensor) else value == theirs[key])
    ]
    assert different == []


@pytest.mark.parametrize("one_shot", [False, True])
@pytest.mark.parametrize("kills", [[1], [3], [4, 7]])
def test_a_resumed_training_ends_with_the_same_weights_optimiser_and_average(
    tmp_path: Path, fabric: Fabric, kills: list[int], one_shot: bool
) -> None:
    whole = Trainer(tmp_path / "whole.pt", fabric, one_shot)
    parts = Trainer(tmp_path / "parts.pt", fabric, one_shot)
    train(whole.fit())
    for step in kills:
        train(parts.fit(), die_after=step)
    train(parts.fit())
    assert_same_state(whole.checkpoint, parts.checkpoint)


def test_the_last_report_of_each_step_is_the_same_after_a_resume(tmp_path: Path, fabric: Fabric) -> None:
    # The losses between the last report and the checkpoint were lost with the process.
    def curve(reports: list[StepReport]) -> dict[int, tuple[float, ...]]:
        return {r.step: (r.loss, r.l2, r.ssim, r.focal, r.lr) for r in reports}

    parts = Trainer(tmp_path / "parts.pt", fabric)
    whole = train(Trainer(tmp_path / "whole.pt", fabric).fit())
    resumed = train(parts.fit(), die_after=5) + train(parts.fit())
    assert curve(resumed) == curve(whole)
    assert sorted(curve(whole)) == [2, 4, 6, 8]


def test_a_finished_training_is_not_trained_again(tmp_path: Path, fabric: Fabric) -> None:
    trainer = Trainer(tmp_path / "net.pt", fabric)
    train(trainer.fit())
    again = trainer.fit()
    assert again.is_finished
    assert again.first_step == NUM_STEPS
    before = again.weights().state_dict()
    assert train(again) == []
    assert all(torch.equal(value, before[key]) for key, value in again.weights().state_dict().items())


def test_a_checkpoint_of_another_length_is_refused(tmp_path: Path, fabric: Fabric) -> None:
    trainer = Trainer(tmp_path / "net.pt", fabric)
    train(trainer.fit())
    with pytest.raises(RunError, match=r"belongs to a training of 8 steps, not 9; use another run folder"):
        trainer.fit(recipe=RECIPE.model_copy(update={"steps": 9}))


@pytest.mark.parametrize("log_steps", [1, 4])
def test_a_loss_that_is_not_a_number_ends_the_training_and_names_the_steps(
    tmp_path: Path, fabric: Fabric, log_steps: int
) -> None:
    compute = COMPUTE.model_copy(update={"log_steps": log_steps, "checkpoint_steps": 8})
    fit = Trainer(tmp_path / "net.pt", fabric).fit(
        recipe=RECIPE.model_copy(update={"learning_rate": 1e30}), compute=compute
    )
    with pytest.raises(
        TrainingError, match=r"not a number between steps \d and \d at learning rate .*e\+\d\d; lower"
    ):
        train(fit)
    assert not (tmp_path / "net.pt").exists()


def test_weights_that_are_not_a_number_never_replace_a_good_checkpoint(
    tmp_path: Path, fabric: Fabric
) -> None:
    trainer = Trainer(tmp_path / "net.pt", fabric)
    compute = COMPUTE.model_copy(update={"log_steps": 100, "checkpoint_steps": 2})
    train(trainer.fit(compute=compute), die_after=2)
    fit = trainer.fit(compute=compute)
    with torch.no_grad():
        next(fit.net.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="not a number between steps 0 and 4"):
        train(fit)
    state = load_checkpoint(trainer.checkpoint)
    assert state is not None
    assert state["step"] == 2
    assert all(torch.isfinite(value).all() for value in state["net"].values())


def test_the_moving_average_is_what_the_recipe_asks_for(tmp_path: Path, fabric: Fabric) -> None:
    averaged = Trainer(tmp_path / "a.pt", fabric).fit()
    plain = Trainer(tmp_path / "b.pt", fabric).fit(recipe=RECIPE.model_copy(update={"ema_decay": 0.0}))
    train(averaged)
    train(plain)
    assert plain.weights() is plain.net
    for name, value in averaged.net.state_dict().items():
        assert torch.equal(value, plain.net.state_dict()[name])
    assert any(
        not torch.equal(a, b)
        for a, b in zip(averaged.weights().parameters(), plain.net.parameters(), strict=True)
    )
    assert not averaged.weights().training
    assert not plain.weights().training


def test_the_learning_rate_of_the_schedule_reaches_the_optimiser(tmp_path: Path, fabric: Fabric) -> None:
    reports = train(
        Trainer(tmp_path / "net.pt", fabric).fit(compute=COMPUTE.model_copy(update={"log_steps": 1}))
    )
    warmup = [0.005, 0.01]
    cosine = [0.01 * 0.5 * (1 + np.cos(np.pi * step / 6)) for step in range(6)]
    assert [report.lr for report in reports] == pytest.approx(warmup + cosine)


def test_bf16_follows_the_loss_curve_of_fp32(tmp_path: Path) -> None:
    recipe = TrainingRecipe(steps=24, batch_size=2, learning_rate=0.003)
    compute = COMPUTE.model_copy(update={"log_steps": 1, "checkpoint_steps": 100})

    def losses(name: str, precision: Any) -> list[float]:
        on = Fabric(accelerator="cpu", devices=1, precision=precision)
        return [r.loss for r in train(Trainer(tmp_path / name, on).fit(recipe=recipe, compute=compute))]

    full, half = losses("fp32.pt", "32-true"), losses("bf16.pt", "bf16-mixed")
    assert full != half
    assert np.mean(half[-8:]) == pytest.approx(np.mean(full[-8:]), rel=0.05)
    assert np.mean(full[-8:]) < np.mean(full[:8])


@pytest.mark.parametrize(
    ("wanted", "multiplies_bf16", "precision"),
    [("fp32", True, "fp32"), ("bf16", False, "bf16"), ("auto", True, "bf16"), ("auto", False, "fp32")],
)
def test_auto_takes_bf16_only_where_the_cpu_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, wanted: str, multiplies_bf16: bool, precision: str
) -> None:
    answer: Callable[[], bool] = lambda: multiplies_bf16  # noqa: E731
    monkeypatch.setattr("search.training.device.cpu_multiplies_bf16", answer)
    assert choose_precision(wanted, accelerator="cpu") == precision


@pytest.mark.parametrize("new_fit_each_time", [False, True])
def test_a_training_in_pieces_ends_as_the_whole_one(
    tmp_path: Path, fabric: Fabric, new_fit_each_time: bool
) -> None:
    whole, pieces = Trainer(tmp_path / "whole.pt", fabric), Trainer(tmp_path / "pieces.pt", fabric)
    train(whole.fit())
    fit = pieces.fit()
    for last in (1, 3, 4, NUM_STEPS + 5):  # the last one is beyond the end
        fit.run(lambda _step: None, lambda _report: None, until=last)
        assert fit.first_step == min(last, NUM_STEPS)
        fit.weights()  # looked at between the pieces, in evaluation mode
        if new_fit_each_time:
            fit = pieces.fit()
    assert fit.is_finished
    assert_same_state(whole.checkpoint, pieces.checkpoint)
