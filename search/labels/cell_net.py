"""A small network that says of each cell whether it shows a defect; its weights are plain arrays.

The loss is the cross entropy and not RLL ([D] chapter 2), with which wrong classes are found. Cells of hidden
defects are wrong labels of the class good, but few: on real tiles RLL ranked the hidden defects no better,
mostly worse (benchmarks/label_cleanup).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from search.losses.named import class_loss

Array = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[np.generic]]
FARTHEST = 6.0  # standard deviations; cells beyond are taken for this far


@dataclass(frozen=True)
class CellNetSettings:
    """How the network is trained: a batch has a quarter of defective cells."""

    loss: str = "cce"
    steps: int = 600
    batch_size: int = 256
    widths: tuple[int, int] = (64, 32)
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2


def train_cells(
    cells: Array, is_defect: npt.NDArray[np.bool_], settings: CellNetSettings, *, seed: int
) -> Weights:
    """Train on cells (N, F), some of them defective, and return the weights."""
    centre, spread = cells.mean(axis=0), cells.std(axis=0) + 1e-6
    seen = _standard(cells, centre, spread)
    target = torch.from_numpy(is_defect.astype(np.int64))
    pools = [torch.from_numpy(np.flatnonzero(is_defect == defective)) for defective in (True, False)]
    sizes = (settings.batch_size // 4, settings.batch_size - settings.batch_size // 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _net(cells.shape[1], settings.widths)
        rate = settings.learning_rate
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=rate, weight_decay=settings.weight_decay, fused=True
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=settings.steps)
        loss = class_loss(settings.loss)
        for _ in range(settings.steps):
            rows = torch.cat(
                [pool[torch.randint(0, len(pool), (n,))] for pool, n in zip(pools, sizes, strict=True)]
            )
            optimizer.zero_grad(set_to_none=True)
            loss(net(seen[rows]), target[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    state = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    return {"centre": centre, "spread": spread, **state}


def score_cells(features: Array, weights: Weights) -> Array:
    """Return log odds of a defect, float32 (H, W), for cells (H, W, F)."""
    arrays = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    centre, spread = arrays.pop("centre"), arrays.pop("spread")
    net = _net(features.shape[-1], (arrays["0.weight"].shape[0], arrays["2.weight"].shape[0]))
    net.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    with torch.no_grad():
        logits = net(_standard(features.reshape(-1, features.shape[-1]), centre, spread))
    odds: Array = (logits[:, 1] - logits[:, 0]).reshape(features.shape[:2]).numpy()
    return odds


def _net(num_features: int, widths: tuple[int, int]) -> nn.Sequential:
    first, second = widths
    return nn.Sequential(
        nn.Linear(num_features, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 2)
    )


def _standard(cells: Array, centre: Array, spread: Array) -> Tensor:
    return torch.from_numpy((cells - centre) / spread).float().clamp(-FARTHEST, FARTHEST)
