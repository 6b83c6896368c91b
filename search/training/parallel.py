"""One training on several devices of this machine: the ranks share every batch and keep the same weights.

Lightning Fabric's data-parallel strategy averages the gradients. A training leads from checkpoint to
checkpoint (`Fit`), so that the ranks live in processes of their own and the calling process goes on from the
last one.

Differs from one device: BN normalises with the statistics of each rank's share of the batch, as is usual, so
that the result depends on the number of devices; the running statistics are the mean over the ranks.
"""

from __future__ import annotations

import copy
import warnings
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from inspector.console import Console
from inspector.errors import RecipeError, TrainingError
from search.events import EventLog
from search.recipe import ComputeRecipe
from search.training.device import make_fabric, resolve
from search.training.feed import SyntheticSamples
from search.training.fit import Fit, FitPlan, plain_forward
from search.training.logged import run_logged


def check_devices(compute: ComputeRecipe, *, batch_size: int) -> None:
    """Refuse a number of devices that this machine or the batch does not have.

    Raises:
        RecipeError: more CUDA devices than there are, or a batch that cannot be shared out evenly with at
            least two samples each, which BN needs.
    """
    devices = compute.devices
    if devices == 1:
        return
    accelerator, _ = resolve(compute)
    if accelerator == "cuda" and devices > torch.cuda.device_count():
        raise RecipeError(
            f"compute.devices is {devices}, but this machine has {torch.cuda.device_count()} CUDA devices"
        )
    if batch_size % devices or batch_size < 2 * devices:
        raise RecipeError(
            f"batch_size is {batch_size}, which {devices} devices cannot share evenly with two samples or "
            f"more each; choose a multiple of {devices} from {2 * devices} on, or fewer devices"
        )


def train_on_ranks(
    net: nn.Module, samples: SyntheticSamples, plan: FitPlan, *, stage: str, events: Path, console: Console
) -> None:
    """Train `net` to the end of `plan` on `plan.compute.devices` processes; the checkpoint holds the result.

    The first rank writes the steps to the event log and shows the progress. `plan.forward` and `samples` are
    pickled to reach the ranks.

    Raises:
        RecipeError: see `check_devices`.
        TrainingError: the loss is not a number, or a rank died; the last checkpoint stays.
    """
    check_devices(plan.compute, batch_size=plan.recipe.batch_size)
    strategy = DDPStrategy(
        start_method="spawn",
        broadcast_buffers=False,  # averaged instead, and only when a checkpoint needs them
        # Off the path of a step lies most of a supernet; it must get no update, not an update by zero.
        find_unused_parameters=plan.forward is not plain_forward,
    )
    fabric = make_fabric(plan.compute, devices=plan.compute.devices, strategy=strategy)
    # Bound by `partial`: Fabric looks into arguments for tensors, and refuses to look into frozen records.
    train = partial(_train, net=net, samples=samples, plan=plan, stage=stage, events=events, console=console)
    try:
        error = fabric.launch(train)
    except (ProcessRaisedException, ProcessExitedException) as failure:
        last = str(failure).strip().splitlines()[-1]
        raise TrainingError(
            f"a process of the training on {plan.compute.devices} devices died ({last}); "
            "the same command goes on from the last checkpoint"
        ) from failure
    if error:
        raise TrainingError(error)


def _train(
    fabric: Fabric,
    *,
    net: nn.Module,
    samples: SyntheticSamples,
    plan: FitPlan,
    stage: str,
    events: Path,
    console: Console,
) -> str:
    """Run one rank; returns what went wrong, in the same words on every rank, or nothing."""
    # torch renames the option; the new name is not in the older versions that we also run with.
    warnings.filterwarnings("ignore", message=".*broadcast_buffers.* is deprecated")
    if fabric.device.type == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // fabric.world_size))
    # A tensor that is sent to a process lies in memory that all of them share: each rank trains a copy.
    fit = Fit(copy.deepcopy(net), samples, plan, fabric=fabric)
    try:
        if fabric.is_global_zero:
            with EventLog(events) as log:
                run_logged(fit, plan, stage=stage, log=log, console=console)
        else:
            fit.run(lambda _step: None, lambda _report: None)
    except TrainingError as error:
        return str(error)
    return ""
