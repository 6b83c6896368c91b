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
        self.dilation = dilation
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
        return F.relu(self.norm(self.pointwise(self._filter(x))))

    def _filter(self, x: Tensor) -> Tensor:
        if self.training and is_faster_by_phases(x, dilation=self.dilation):
            return atrous_by_phases(x, self.depthwise.weight)
        filtered: Tensor = self.depthwise(x)
        return filtered


def is_faster_by_phases(x: Tensor, *, dilation: int) -> bool:
    """Return whether a training step on `x` (B, C, H, W) should take `atrous_by_phases`."""
    # The sizes are asked last: the tracer of the ONNX export warns of each comparison of them.
    return dilation == 2 and x.device.type == "cpu" and x.shape[-2] % 2 == 0 and x.shape[-1] % 2 == 0


def atrous_by_phases(x: Tensor, weight: Tensor) -> Tensor:
    """Filter `x` (B, C, H, W) depthwise with `weight` (C, 1, 3, 3) at rate 2; H and W even.

    At rate 2 the pixels of even and odd rows and columns never meet: each of the four phases is an ordinary
    depthwise convolution of a half-size image. The same sums as the dilated convolution, whose backward pass
    is 2 to 4 times slower on CPUs (benchmarks/one_shot_step/README.md). Stays channels-last throughout.
    """
    batch, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(batch, height // 2, 2, width // 2, 2, channels)
    phases = pixels.permute(0, 2, 4, 1, 3, 5).reshape(4 * batch, height // 2, width // 2, channels)
    filtered = F.conv2d(phases.permute(0, 3, 1, 2), weight, padding=1, groups=channels)
    parts = filtered.permute(0, 2, 3, 1).reshape(batch, 2, 2, height // 2, width // 2, channels)
    return parts.permute(0, 3, 1, 4, 2, 5).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


def make_operation(gene: int, in_channels: int, out_channels: int) -> nn.Module:
    """Return the operation of `gene`: 0 conv, 1 sep, 2 atrous (`OPERATION_NAMES`)."""
    if gene == 0:
        return Conv(in_channels, out_channels)
    return SeparableConv(in_channels, out_channels, dilation=gene)
