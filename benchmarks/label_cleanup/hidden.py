"""Real defects hidden among good magnetic tiles: how well each method ranks them.

`check` is the product's; `check_rll` is the same with RLL in place of the cross entropy. Peers: `pixels` is
the distance of a photo, shrunk to 32x32, to the mean photo; `autoencoder` the highest smoothed error of a
convolutional autoencoder at 64x64 that was trained on the other folds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from inspector.console import Console
from inspector.data_findings import robust_z
from inspector.image_file import read_frame
from inspector.metrics import aupr
from search.labels.folds import assign_folds
from search.labels.good_check import MIN_SPREAD, GoodCheckSettings, score_photos
from search.labels.jobs import Workers
from search.labels.kept import Kept
from search.labels.material import Photo, open_material

Scores = npt.NDArray[np.float64]
PIXELS_PX, AUTOENCODER_PX = 32, 64


def hide_defects(root: Path, *, rate: float, seed: int) -> tuple[list[Photo], npt.NDArray[np.bool_]]:
    """Return all good tiles with so many defective ones among them that they are `rate` of all, and which."""
    photos = open_material(root).photos
    good = [photo for photo in photos if photo.is_good]
    bad = [photo for photo in photos if not photo.is_good]
    num = round(rate / (1 - rate) * len(good))
    chosen = np.random.default_rng(seed).choice(len(bad), num, replace=False)
    mixed = sorted([*good, *(bad[i] for i in chosen)], key=lambda photo: photo.name)
    return mixed, np.array([not photo.is_good for photo in mixed])


def measure_hidden(
    root: Path, *, rate: float, seed: int, method: str, settings: GoodCheckSettings
) -> dict[str, Any]:
    """Rank the tiles by one method and return its average precision, and of `check` what it proposes."""
    photos, is_defect = hide_defects(root, rate=rate, seed=seed)
    scores = METHODS[method](photos, replace(settings, seed=seed))
    row = {"rate": rate, "seed": seed, "photos": len(photos), "defects": int(is_defect.sum())}
    row |= {"average_precision": aupr(scores, is_defect), "chance": float(is_defect.mean())}
    if method == "check":
        proposed = robust_z(scores, min_spread=MIN_SPREAD) >= settings.min_z
        row["proposed"] = int(proposed.sum())
        row["proposed_right"] = int((proposed & is_defect).sum())
    return row


def by_check(photos: Sequence[Photo], settings: GoodCheckSettings) -> Scores:
    """Score by what `inspector labels check` does."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Kept(Path(folder))
        return score_photos(photos, settings, kept, Workers(), console=Console(json_output=True)).scores


def by_check_rll(photos: Sequence[Photo], settings: GoodCheckSettings) -> Scores:
    """Score by the same with RLL."""
    return by_check(photos, replace(settings, net=replace(settings.net, loss="rll")))


def by_pixels(photos: Sequence[Photo], settings: GoodCheckSettings) -> Scores:
    """Score by the distance to the mean photo."""
    small = _shrunk(photos, PIXELS_PX).reshape(len(photos), -1)
    return np.asarray(np.linalg.norm(small - small.mean(axis=0), axis=1), np.float64)


def by_autoencoder(photos: Sequence[Photo], settings: GoodCheckSettings) -> Scores:
    """Score by the error of an autoencoder that has not learnt from the photo's part."""
    images = torch.from_numpy(_shrunk(photos, AUTOENCODER_PX))[:, None]
    groups = [photo.group for photo in photos]
    folds = assign_folds(["good"] * len(photos), groups, num_folds=settings.num_folds, seed=settings.seed)
    scores = np.zeros(len(photos))
    for fold in range(settings.num_folds):
        torch.manual_seed(fold)
        net = _train_autoencoder(images[torch.from_numpy(folds != fold)])
        for i in np.flatnonzero(folds == fold):
            with torch.no_grad():
                error = (net(images[i : i + 1]) - images[i : i + 1]).abs()[0, 0].numpy()
            scores[i] = cv2.blur(error, (5, 5)).max()
    return scores


METHODS: dict[str, Callable[[Sequence[Photo], GoodCheckSettings], Scores]] = {
    "check": by_check,
    "pixels": by_pixels,
    "autoencoder": by_autoencoder,
    "check_rll": by_check_rll,
}


def _train_autoencoder(images: torch.Tensor, *, steps: int = 300, batch_size: int = 32) -> nn.Module:
    down = [(1, 16), (16, 32), (32, 32)]
    layers: list[nn.Module] = []
    for before, after in down:
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
    layers.append(nn.Conv2d(32, 8, 1))
    layers.append(nn.Conv2d(8, 32, 1))
    for after, before in reversed(down):
        layers += [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
    net = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters(), 2e-3, fused=True)
    for _ in range(steps):
        batch = images[torch.randint(0, len(images), (batch_size,))]
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(net(batch), batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return net.eval()


def _shrunk(photos: Sequence[Photo], side_px: int) -> npt.NDArray[np.float32]:
    small = [
        cv2.resize(read_frame(photo.path)[:, :, 0], (side_px, side_px), interpolation=cv2.INTER_AREA)
        for photo in photos
    ]
    return np.stack(small).astype(np.float32) / 255.0
