"""A small network on features, trained with a robust loss, that says which class a photo is of.

Source: [D] Sec. 2.2 (RLL).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from search.losses.named import class_loss

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ClassifierSettings:
    """How the network is trained; the figures of benchmarks/label_cleanup are of these."""

    loss: str = "rll"
    steps: int = 400
    batch_size: int = 128
    width: int = 128
    dropout: float = 0.3
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3


def train_and_predict(
    features: Features,
    labels: Labels,
    others: Features,
    settings: ClassifierSettings,
    *,
    num_classes: int,
    seed: int,
) -> Logits:
    """Train on features (N, F) with labels (N,) and return the logits of others (M, F): float32 (M, c)."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    seen, target = _standard(features, centre, spread), torch.from_numpy(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _train(seen, target, settings, num_classes=num_classes)
    with torch.no_grad():
        logits: Logits = net(_standard(others, centre, spread)).numpy()
    return logits


def _standard(features: Features, centre: Features, spread: Features) -> Tensor:
    return torch.from_numpy((features - centre) / spread).float()


def _train(seen: Tensor, target: Tensor, settings: ClassifierSettings, *, num_classes: int) -> nn.Module:
    net = nn.Sequential(
        nn.Linear(seen.shape[1], settings.width),
        nn.ReLU(),
        nn.Dropout(settings.dropout),
        nn.Linear(settings.width, num_classes),
    )
    rate = settings.learning_rate
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=settings.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=settings.steps)
    loss = class_loss(settings.loss)
    for _ in range(settings.steps):
        rows = torch.randint(0, len(seen), (settings.batch_size,))
        optimizer.zero_grad(set_to_none=True)
        loss(net(seen[rows]), target[rows]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return net.eval()
