"""Mobile-UNet: a U-Net whose encoder is MobileNetV2.

Source: Jing et al. (2022), abstract: MobileNetV2 encoder, five deconvolutions as decoder; MobileNetV2 (CVPR
2018), as in torchvision.
Differs from the source: the body of the paper is not public, so kernel 4, the skips and an inverted residual
behind each of them are those of its open re-implementations; one logit instead of a softmax over two classes.

Shape letters:  B batch   H, W rows, columns   w width
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.models import MobileNetV2
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.ops.misc import Conv2dNormActivation

from search.nets.peers.encoder import FULL_WIDTH, rounded, take_channels

EXPANSION = 6  # of the decoder's inverted residuals, as in the encoder
LAST_CHANNELS, FINE_CHANNELS = 1280, 8  # the encoder's last layer, the decoder's last deconvolution
# Where each resolution ends in MobileNetV2's list of features: 1/2, 1/4, 1/8, 1/16, 1/32.
STAGE_ENDS = (2, 4, 7, 14, 19)


class MobileUNet(nn.Module):
    """(B, in_channels, H, W) -> logits (B, 1, H, W); 4,684,905 parameters at w = 64 on an image alone.

    `width` / 64 is MobileNetV2's width multiplier: channels are rounded to multiples of 8, as it does.
    """

    def __init__(self, *, width: int, in_channels: int = 3) -> None:
        super().__init__()
        self.encoder = mobile_encoder(width, in_channels=in_channels)
        channels = [_out_channels(self.encoder, end - 1) for end in STAGE_ENDS]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 4, stride=2, padding=1)
            for below, above in pairwise([*reversed(channels), FINE_CHANNELS])
        )
        self.merge = nn.ModuleList(
            InvertedResidual(2 * skip, skip, stride=1, expand_ratio=EXPANSION)
            for skip in reversed(channels[:-1])
        )
        self.head = nn.Conv2d(FINE_CHANNELS, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for start, end in pairwise((0, *STAGE_ENDS)):
            x = self.encoder[start:end](x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=False):  # the last one has no skip
            x = merge(torch.cat([up(x), skips.pop()], dim=1))
        logits: Tensor = self.head(self.up[-1](x))
        return logits


def mobile_encoder(width: int, *, in_channels: int = 3) -> nn.Sequential:
    """Return MobileNetV2's features, 1/32 of the resolution at their end."""
    features: nn.Sequential = MobileNetV2(width_mult=width / FULL_WIDTH).features
    if width < FULL_WIDTH:  # torchvision never narrows the last layer
        before, last = _out_channels(features, -2), rounded(LAST_CHANNELS, width)
        features[-1] = Conv2dNormActivation(before, last, kernel_size=1, activation_layer=nn.ReLU6)
    take_channels(features[0], in_channels)
    return features


def _out_channels(features: nn.Sequential, place: int) -> int:
    channels = features[place].out_channels
    assert isinstance(channels, int)
    return channels
