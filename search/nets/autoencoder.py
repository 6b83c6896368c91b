"""The reconstructor: DRAEM's autoencoder without skips, which paints a part as if it were good.

Source: DRAEM (ICCV 2021), reconstructive sub-network; [D] Sec. 5.2.2.
Differs from the source: nothing (widths are a parameter).

Shape letters:  B batch   H, W rows, columns   w width
"""

from __future__ import annotations

from torch import Tensor, nn

from search.nets.blocks import conv_block


class Reconstructor(nn.Module):
    """Five encoder levels w, 2w, 4w, 8w, 8w and four decoder levels: (B, 3, H, W) -> (B, 3, H, W)."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        w = width
        layers: list[nn.Module] = []
        for index, (in_channels, out_channels) in enumerate(
            [(3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 8 * w)]
        ):
            layers += [nn.MaxPool2d(2)] if index else []
            layers.append(conv_block(in_channels, out_channels, out_channels))
        for in_channels, out_channels in [(8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w), (w, w)]:
            layers.append(nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=True))
            layers.append(conv_block(in_channels, in_channels, in_channels, out_channels))
        layers.append(nn.Conv2d(w, 3, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        reconstruction: Tensor = self.layers(image)
        return reconstruction
