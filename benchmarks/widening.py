"""A narrow network's function at another width: what it answers is real, what it costs is the wide one's.

Training a network of width 64 takes a GPU. A trained narrow one is widened so that it computes the same
function with 64 channels where it had 8 (Net2WiderNet).

Source: Chen et al., Net2Net (ICLR 2016), Sec. 3.1.
Differs from the source: every channel is copied equally often; the shares of the copies are random for every
weight, so that no two filters are equal.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def copy_widened(narrow: nn.Module, wide: nn.Module) -> None:
    """Give `wide` weights, in place, with which it computes what `narrow` does; modules have equal names."""
    rng = np.random.default_rng(0)
    sources = dict(narrow.named_modules())
    with torch.no_grad():
        for name, target in wide.named_modules():
            if isinstance(target, nn.Conv2d):
                _widen_convolution(sources[name], target, rng)
            elif isinstance(target, nn.BatchNorm2d):
                state = sources[name].state_dict().items()
                target.load_state_dict({key: _copied(value, target.num_features) for key, value in state})


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
