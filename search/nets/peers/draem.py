"""DRAEM's discriminative sub-network: six levels with skips.

Source: DRAEM (ICCV 2021), discriminative sub-network, as in its published code.
Differs from the source: `out_channels` is 1 (a logit) unless two softmax classes are asked for.

Shape letters:  B batch   H, W rows, columns   w width
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.blocks import conv_block


class DraemSegmenter(nn.Module):
    """(B, in_channels, H, W) -> (B, out_channels, H, W); 28.37M parameters at w = 64 with two classes."""

    def __init__(self, *, width: int, in_channels: int = 6, out_channels: int = 1) -> None:
        super().__init__()
        w = width
        levels = [w, 2 * w, 4 * w, 8 * w, 8 * w, 8 * w]
        inputs = [in_channels, *levels[:-1]]
        self.encoder = nn.ModuleList(conv_block(i, o, o) for i, o in zip(inputs, levels, strict=True))
        steps = [
            (8 * w, 8 * w, 8 * w),
            (8 * w, 4 * w, 8 * w),
            (4 * w, 2 * w, 4 * w),
            (2 * w, w, 2 * w),
            (w, w, w),
        ]
        self.up = nn.ModuleList(conv_block(below, out) for below, out, _ in steps)
        self.decoder = nn.ModuleList(conv_block(out + skip, out, out) for _, out, skip in steps)
        self.head = nn.Conv2d(w, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for up, decode in zip(self.up, self.decoder, strict=True):
            x = up(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True))
            x = decode(torch.cat([x, skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits
