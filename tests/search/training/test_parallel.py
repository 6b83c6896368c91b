"""Two processes that share every batch: identical ranks, and the weights of one that adds up halves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from inspector.console import Console
from inspector.errors import RecipeError, TrainingError
from search.autodd.evolution import GeneSpace
from search.autodd.paths import RandomPath
from search.autodd.space_choice import open_space
from search.events import EventLog
from search.losses.segmentation import LossWeights, detector_loss
from search.nets.detector import build_detector, build_one_shot, initialise
from search.nets.spec import NetworkSpec
from search.recipe import ComputeRecipe, TrainingRecipe
from search.training.device import for_convolutions
from search.training.feed import collate, step_keys
from search.training.fit import Fit, FitPlan, Forward, plain_forward
from search.training.parallel import check_devices, train_on_ranks
from search.training.schedule import rate_factor
from tests.search.conftest import make_samples, random_genotype, tiny_recipe

NUM_STEPS, SEED, DEVICES = 4, 3, 2
RECIPE = TrainingRecipe(
    steps=NUM_STEPS, batch_size=4, optimizer="adamw", learning_rate=0.0001, weight_decay=0.1, ema_decay=0.5
)
COMPUTE = ComputeRecipe(precision="fp32", accelerator="cpu", devices=DEVICES, checkpoint_steps=2, log_steps=2)


def gene_space() -> GeneSpace:
    return open_space(tiny_recipe(Path("parts"))).costs((32, 32)).gene_space()


def fresh(*, one_shot: bool) -> tuple[nn.Module, Forward]:
    if one_shot:
        net: nn.Module = build_one_shot(width=2, reconstructor_width=2)
        forward: Forward = RandomPath(gene_space(), SEED)
    else:
        net, forward = build_detector(NetworkSpec("unet", random_genotype(0), 2, 2)), plain_forward
    initialise(net, "he", seed=0)
    return net, forward


def plan_of(checkpoint: Path, forward: Forward, *, num_steps: int = NUM_STEPS) -> FitPlan:
    return FitPlan(
        recipe=RECIPE,
        loss=LossWeights(),
        compute=COMPUTE,
        seed=SEED,
        num_steps=num_steps,
        checkpoint=checkpoint,
        forward=forward,
    )


def run_on_ranks(net: nn.Module, plan: FitPlan, folder: Path) -> None:
    events, console = folder / "events.jsonl", Console(json_output=True)
    train_on_ranks(net, make_samples(), plan, stage="retraining", events=events, console=console)


def trained_on_ranks(folder: Path, *, one_shot: bool, num_steps: int) -> nn.Module:
    """Train on two processes, and read the result as a run does: by a Fit that has nothing left to do."""
    net, forward = fresh(one_shot=one_shot)
    plan = plan_of(folder / "fit.pt", forward, num_steps=num_steps)
    run_on_ranks(net, plan, folder)
    fit = Fit(net, make_samples(), plan, fabric=Fabric(accelerator="cpu", devices=1))
    assert fit.is_finished
    return fit.net


def added_up(*, one_shot: bool, num_steps: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    """One process: the gradients of both halves of each batch are added up, then one step is taken."""
    torch.set_num_threads(1)  # as each rank here: more threads add up in another order
    net, forward = fresh(one_shot=one_shot)
    net = for_convolutions(net).to(dtype)
    samples = make_samples()
    optimizer = torch.optim.AdamW(net.parameters(), lr=RECIPE.learning_rate, weight_decay=RECIPE.weight_decay)
    net.train()
    for step in range(num_steps):
        rate = RECIPE.learning_rate * rate_factor(step, num_steps=num_steps, recipe=RECIPE)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        keys = step_keys(step, num_images=len(samples), batch_size=RECIPE.batch_size, seed=SEED)
        before = {name: buffer.clone() for name, buffer in net.named_buffers()}
        after: list[dict[str, Tensor]] = []
        for half in range(DEVICES):
            for name, buffer in net.named_buffers():
                buffer.copy_(before[name])
            batch = collate([samples[key] for key in keys[half::DEVICES]]).to(torch.device("cpu"))
            reconstruction, logits = forward(net, batch.image.to(dtype), step)
            terms = detector_loss(
                reconstruction.float(), logits.float(), batch.target, batch.mask, LossWeights()
            )
            (terms.total / DEVICES).backward()
            after.append({name: buffer.clone() for name, buffer in net.named_buffers()})
        for name, buffer in net.named_buffers():
            if buffer.is_floating_point():
                buffer.copy_(torch.stack([found[name] for found in after]).mean(dim=0))
        optimizer.step()
    return net


def biases_before_norm(net: nn.Module) -> set[str]:
    """Names of biases that BN takes away: their gradient is rounding, of which Adam makes full steps."""
    names = set()
    for prefix, module in net.named_modules():
        layers = list(module) if isinstance(module, nn.Sequential) else []
        for place, (layer, following) in enumerate(pairwise(layers)):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                names.add(f"{prefix}.{place}.bias")
    return names


@pytest.fixture
def _threads_restored() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("_threads_restored")
@pytest.mark.parametrize("one_shot", [False, True], ids=["plain", "supernet"])
def test_a_step_of_two_processes_is_that_of_one_that_adds_up_halves(tmp_path: Path, one_shot: bool) -> None:
    start = fresh(one_shot=one_shot)[0].state_dict()
    ranks = trained_on_ranks(tmp_path, one_shot=one_shot, num_steps=1).state_dict()
    one = added_up(one_shot=one_shot, num_steps=1).state_dict()
    left_out = biases_before_norm(fresh(one_shot=one_shot)[0])
    moved = {name for name in start if not torch.equal(one[name], start[name])} - left_out
    assert len(moved) > 40
    for name in start.keys() - left_out:
        if name in moved:
            assert torch.allclose(ranks[name], one[name], rtol=1e-5, atol=1e-5), name
        else:  # what was on no path has no update at all, not even a weight decay
            assert torch.equal(ranks[name], start[name]), name
    events = EventLog.read(tmp_path / "events.jsonl")
    assert [(event["stage"], event["step"]) for event in events] == [("retraining", 1)]


def flat(net: nn.Module) -> Tensor:
    return torch.cat([value.double().ravel() for value in net.state_dict().values()])


def differences(fabric: Fabric, folder: Path) -> tuple[float, float, float]:
    """Return by how much the ranks differ, a resumed training from a whole one, and that from one process."""
    torch.set_num_threads(1)

    def trained(name: str, *, stop: int | None) -> Tensor:
        net, forward = fresh(one_shot=True)
        plan = plan_of(folder / name, forward)
        fit = Fit(net.double(), make_samples(), plan, fabric=fabric)
        fit.run(lambda _: None, lambda _: None, until=stop)
        if stop is not None:
            fabric.barrier()
            fit = Fit(fresh(one_shot=True)[0].double(), make_samples(), plan, fabric=fabric)
            fit.run(lambda _: None, lambda _: None)
        return torch.cat([flat(fit.net), flat(fit.weights())])

    whole, resumed = trained("whole.pt", stop=None), trained("resumed.pt", stop=2)
    everyone = fabric.all_gather(whole)
    assert isinstance(everyone, Tensor)
    one = flat(added_up(one_shot=True, num_steps=NUM_STEPS, dtype=torch.float64))
    return (
        float((everyone[0] - everyone[1]).abs().max()),
        float((whole - resumed).abs().max()),
        float((whole[: len(one)] - one).abs().max()),
    )


@pytest.mark.slow
def test_the_ranks_are_identical_resume_exactly_and_follow_one_process_for_many_steps(tmp_path: Path) -> None:
    # In double precision: the rounding of single precision grows tenfold a step in BN of so few pixels.
    strategy = DDPStrategy(start_method="spawn", broadcast_buffers=False, find_unused_parameters=True)
    fabric = Fabric(accelerator="cpu", devices=DEVICES, strategy=strategy, precision="64-true")
    ranks, resumed, one_process = fabric.launch(partial(differences, folder=tmp_path))
    assert (ranks, resumed) == (0.0, 0.0)
    assert one_process < 1e-8


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_both_in_one_sentence(tmp_path: Path) -> None:
    net, forward = fresh(one_shot=False)
    plan = replace(
        plan_of(tmp_path / "fit.pt", forward), recipe=RECIPE.model_copy(update={"learning_rate": 1e30})
    )
    with pytest.raises(TrainingError, match="the loss is not a number between steps"):
        run_on_ranks(net, plan, tmp_path)


@dataclass(frozen=True)
class Dies:
    """A forward pass that takes its process with it."""

    def __call__(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor, Tensor]:
        os._exit(3)


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_nothing_hangs(tmp_path: Path) -> None:
    net, _ = fresh(one_shot=False)
    plan = plan_of(tmp_path / "fit.pt", Dies())
    with pytest.raises(TrainingError, match=r"on 2 devices died .*goes on from the last checkpoint"):
        run_on_ranks(net, plan, tmp_path)


@pytest.mark.parametrize(("devices", "batch_size"), [(2, 3), (2, 2), (3, 8), (4, 6)])
def test_a_batch_that_cannot_be_shared_is_refused(devices: int, batch_size: int) -> None:
    compute = COMPUTE.model_copy(update={"devices": devices})
    with pytest.raises(RecipeError, match=f"is {batch_size}, which {devices} devices cannot share evenly"):
        check_devices(compute, batch_size=batch_size)


def test_one_device_takes_any_batch() -> None:
    check_devices(COMPUTE.model_copy(update={"devices": 1}), batch_size=3)
