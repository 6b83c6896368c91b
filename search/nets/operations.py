"""The three candidate operations of a U-Net node.

Source: [D] Sec. 5.2.3, Fig. 5.3.
Differs from the source: nothing.

Shape letters:  B batch   C input channels   K output channels   H, W rows, columns
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Conv(nn.Module):
    """3x3 convolution without bias, BN, ReLU: 9 C K H W multiply-adds."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K, H, W)
        return F.relu(self.norm(self.conv(x)))


class SeparableConv(nn.Module):
    """Depthwise 3x3, then pointwise 1x1: (9 + K) C H W multiply-adds instead of 9 C K H W.

    Args:
        dilation: 1 for `sep`, 2 for `atrous`, whose field of view is 5x5.
    """

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels,
            in_channels,
            3,
            padding=dilation,
            dilation=dilation,
            groups=in_channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K, H, W)
        return F.relu(self.norm(self.pointwise(self.depthwise(x))))


def make_operation(gene: int, in_channels: int, out_channels: int) -> nn.Module:
    """Return the operation of `gene`: 0 conv, 1 sep, 2 atrous (`OPERATION_NAMES`)."""
    if gene == 0:
        return Conv(in_channels, out_channels)
    return SeparableConv(in_channels, out_channels, dilation=gene)
