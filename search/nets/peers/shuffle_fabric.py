"""Shuffle-fabric: a U-Net for fabric whose encoder is ShuffleNetV2.

Source: Wang et al. (2021), abstract: ShuffleNetV2 encoder, five deconvolutions as decoder, a bilinear resize
to the mask; [D] Sec. 5.3.1 calls it a U-Net; ShuffleNetV2 (ECCV 2018), x1.0 as in torchvision.
Differs from the source: the body of the paper is not public, so kernel 4, BN and ReLU behind a deconvolution
and a skip at each resolution are assumed. The resize is left out: it changes nothing where the rows and
columns are multiples of 32. One logit instead of two classes.

Shape letters:  B batch   H, W rows, columns   w width
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import ShuffleNetV2
from torchvision.models.shufflenetv2 import InvertedResidual

from search.nets.peers.encoder import rounded, take_channels

REPEATS = [4, 8, 4]
CHANNELS = (24, 116, 232, 464, 1024)  # of the first layer, the three stages and the last layer, x1.0


class ShuffleUnit(InvertedResidual):  # type: ignore[misc]  # torchvision has no types
    """torchvision's unit; its split and shuffle name channels, so that the exported shapes stay numbers."""

    order: Tensor

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__(inp, oup, stride)
        self.half = oup // 2
        by_turns = torch.arange(oup).reshape(2, self.half).T.flatten()  # a shuffle of two groups
        self.register_buffer("order", by_turns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            first, second = x.narrow(1, 0, self.half), x.narrow(1, self.half, self.half)
        else:
            first, second = self.branch1(x), x
        return torch.cat([first, self.branch2(second)], dim=1).index_select(1, self.order)


class ShuffleFabric(nn.Module):
    """(B, in_channels, H, W) -> logits (B, 1, H, W); 6,042,693 parameters at w = 64 on an image alone.

    Channels are `width` / 64 of the published ones, rounded to multiples of 8 below 64.
    """

    def __init__(self, *, width: int, in_channels: int = 3) -> None:
        super().__init__()
        channels = shuffle_channels(width)
        self.encoder = shuffle_encoder(width, in_channels=in_channels)
        fine, quarter, eighth, sixteenth = channels[0], channels[0], channels[1], channels[2]
        skips = (sixteenth, eighth, quarter, fine)
        below = (channels[-1], *(2 * skip for skip in skips))
        self.up = nn.ModuleList(
            deconvolution(before, after) for before, after in zip(below, (*skips, fine), strict=True)
        )
        self.head = nn.Conv2d(fine, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        encoder = self.encoder
        half = encoder.conv1(x)
        quarter = encoder.maxpool(half)
        eighth = encoder.stage2(quarter)
        sixteenth = encoder.stage3(eighth)
        x = encoder.conv5(encoder.stage4(sixteenth))
        for up, skip in zip(self.up, (sixteenth, eighth, quarter, half), strict=False):
            x = torch.cat([up(x), skip], dim=1)
        logits: Tensor = self.head(self.up[-1](x))
        return logits


def deconvolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double rows and columns with a transposed convolution, BN and ReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def shuffle_channels(width: int) -> list[int]:
    """Return the channels of the first layer, the three stages and the last layer."""
    return list(CHANNELS) if width == 64 else [rounded(channels, width) for channels in CHANNELS]


def shuffle_encoder(width: int, *, in_channels: int = 3) -> ShuffleNetV2:
    """Return ShuffleNetV2 without its classifier, 1/32 of the resolution at its end."""
    encoder = ShuffleNetV2(REPEATS, shuffle_channels(width), inverted_residual=ShuffleUnit)
    del encoder.fc
    take_channels(encoder.conv1, in_channels)
    return encoder
