"""The two networks that are timed: one of the demo's width, briefly trained, and the same at paper width.

Training a network of width 64 takes a GPU. Here a trained narrow one is widened so that it computes the same
function with 64 channels where it had 8 (Net2WiderNet): its speed is that of the paper's width, and its AUPR
is real, the narrow network's own.

Source: Chen et al., Net2Net (ICLR 2016), Sec. 3.1.
Differs from the source: every channel is copied equally often; the shares of the copies are random for every
weight, so that no two filters are equal.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.trained import Trained
from inspector import __version__
from inspector.dataset import Dataset, split_good
from search.defects import PerlinDefects, ProceduralTextures
from search.losses.segmentation import LossWeights
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec
from search.recipe import Recipe
from search.training.device import make_fabric
from search.training.feed import SyntheticSamples, load_frames
from search.training.fit import Fit, FitPlan

GENES = (0, 1, 2) * 6  # each operation six times
NARROW, PAPER = 8, 64


def train_narrow(dataset: Dataset, recipe: Recipe, folder: Path) -> Trained:
    """Train the narrow network on quarters of the photos; it goes on where it stopped in `folder`."""
    size = recipe.data.size
    split = split_good(dataset.train, validation=0.2, calibration=0.2, seed=0)
    frames = load_frames((*split.training, *split.validation), size_hw=(size, size))
    half = size // 2
    quarters = [frame[y : y + half, x : x + half] for frame in frames for y in (0, half) for x in (0, half)]
    spec = NetworkSpec("unet", GENES, NARROW, NARROW)
    net = build_detector(spec)
    initialise(net, "he", seed=0)
    training = recipe.retraining
    fit = Fit(
        net,
        SyntheticSamples(quarters, PerlinDefects(ProceduralTextures(0)), recipe.defects, seed=0),
        FitPlan(
            training,
            LossWeights(),
            recipe.compute,
            0,
            training.num_steps(len(quarters)),
            folder / "narrow.pt",
        ),
        fabric=make_fabric(recipe.compute),
    )
    fit.run(lambda _step: None, lambda _report: None)
    weights = fit.weights()
    assert isinstance(weights, Detector)
    return Trained(
        name="runtime-narrow",
        detector=weights.cpu().eval(),
        spec=spec,
        space="unet",
        size_hw=(size, size),
        recipe=recipe.model_dump(mode="json"),
        seed=0,
        dataset=dataset,
        calibration=split.calibration,
        fingerprint=dataset.fingerprint(),
        code_version=__version__,
        validation=split.validation,
    )


def widened(net: Detector, *, width: int) -> Detector:
    """Return a detector of `width` that computes what `net` does."""
    wide = build_detector(NetworkSpec("unet", GENES, width, width)).eval()
    rng = np.random.default_rng(0)
    sources = dict(net.named_modules())
    with torch.no_grad():
        for name, target in wide.named_modules():
            if isinstance(target, nn.Conv2d):
                _widen_convolution(sources[name], target, rng)
            elif isinstance(target, nn.BatchNorm2d):
                state = sources[name].state_dict().items()
                target.load_state_dict({key: _copied(value, target.num_features) for key, value in state})
    return wide


def _widen_convolution(source: nn.Module, target: nn.Conv2d, rng: np.random.Generator) -> None:
    assert isinstance(source, nn.Conv2d)
    target.weight.copy_(_widened(source.weight, target.weight.shape, rng))
    if target.bias is not None and source.bias is not None:
        target.bias.copy_(_copied(source.bias, len(target.bias)))


def _copied(values: Tensor, count: int) -> Tensor:
    """Repeat each channel; a number without channels stays."""
    return values if values.ndim == 0 else values.repeat_interleave(count // len(values), dim=0)


def _widened(weight: Tensor, shape: torch.Size, rng: np.random.Generator) -> Tensor:
    """Copy output channels, and share each input channel's weight among its copies; shares add up to 1."""
    copies = shape[1] // weight.shape[1]
    by_output = _copied(weight, shape[0])
    shares = rng.uniform(0.5, 1.5, (shape[0], weight.shape[1], copies))
    shares /= shares.sum(axis=2, keepdims=True)
    spread = by_output[:, :, None] * torch.from_numpy(shares).to(weight.dtype)[..., None, None]
    return spread.reshape(shape)


def save_network(trained: Trained, path: Path) -> None:
    """Write the network's width and weights for `load_network`."""
    torch.save({"width": trained.spec.width, "net": trained.detector.state_dict()}, path)


def load_network(path: Path) -> Detector:
    """Return the network that `save_network` wrote, in evaluation mode."""
    saved = torch.load(path, weights_only=True)
    net = build_detector(NetworkSpec("unet", GENES, saved["width"], saved["width"])).eval()
    net.load_state_dict(saved["net"])
    return net
