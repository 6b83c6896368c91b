"""What the peers' encoders from torchvision share: a width, other input channels, and weights from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torchvision.models._utils import _make_divisible

from inspector.errors import RecipeError

FULL_WIDTH = 64  # the width at which an encoder is as published


def rounded(channels: int, width: int) -> int:
    """Return `channels` of the published network at `width`, a multiple of 8 as in MobileNetV2.

    >>> rounded(1280, 64), rounded(1280, 8), rounded(24, 8)
    (1280, 160, 8)
    """
    return int(_make_divisible(channels * width / FULL_WIDTH, 8))


def take_channels(block: nn.Module, in_channels: int) -> None:
    """Let an encoder's first block take `in_channels` instead of the 3 of an image, in place."""
    assert isinstance(block, nn.Sequential)
    conv = block[0]
    assert isinstance(conv, nn.Conv2d)
    if conv.in_channels != in_channels:
        block[0] = nn.Conv2d(in_channels, conv.out_channels, 3, stride=2, padding=1, bias=False)


def load_encoder(encoder: nn.Module, file: Path, *, prefix: str = "") -> None:
    """Copy torchvision's weights of an encoder from a state dict file, in place.

    Args:
        file: As torchvision publishes it; what belongs to its classifier is left out.
        prefix: Of the encoder's names in the file: `features.` for MobileNetV2.

    Raises:
        RecipeError: the file cannot be read, or its weights are of another encoder or width.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        own = {name: state[prefix + name] for name in encoder.state_dict()}
        encoder.load_state_dict(own)
    except KeyError as error:
        raise RecipeError(
            f"network.encoder_weights {file} has no weight {error.args[0]!r}: it is of another encoder"
        ) from error
    except Exception as error:  # torch.load raises many classes for a damaged file
        raise RecipeError(
            f"network.encoder_weights {file} does not fit the encoder: {' '.join(str(error).split())[:200]}; "
            f"it needs torchvision's file, network.width {FULL_WIDTH} and no reconstructor"
        ) from error
