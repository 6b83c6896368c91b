"""The operations on NAS-UNet's edges, from C to C channels; they halve, double or keep rows and columns.

Source: Weng et al. (2019) and its published code; [D] Sec. 5.3.1.
Differs from the source: BN instead of group normalisation, so that the exporters fold it; pooling in the
mixture of a search is not normalised, as in the source.

Shape letters:  B batch   C channels   H, W rows, columns
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.peers.nas_unet_genotype import EdgeKind

SQUEEZE = 16  # channels that one channel of the squeeze stands for


class Nothing(nn.Module):
    """Zeros: an edge that is not there."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


class ChannelWeight(nn.Module):
    """Squeeze and excitation; behind it a convolution where the resolution changes."""

    def __init__(self, channels: int, kind: EdgeKind, *, is_mixed: bool) -> None:
        super().__init__()
        squeezed = max(1, channels // SQUEEZE)
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)
        self.resize = nn.Sequential()
        if kind != "normal":
            self.resize = nn.Sequential(_conv3x3(channels, kind), batch_norm(channels, is_mixed=is_mixed))

    def forward(self, x: Tensor) -> Tensor:
        weight = F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))
        weighted: Tensor = self.resize(x * self.excite(weight).sigmoid())
        return weighted


def make_edge_operation(name: str, kind: EdgeKind, channels: int, *, is_mixed: bool) -> nn.Module:
    """Return operation `name` of an edge.

    Args:
        is_mixed: Of a search: its BN neither learns a scale nor keeps statistics, since every step mixes it
            with other weights.
    """
    match name:
        case "none":
            return Nothing()
        case "identity":
            return nn.Identity()
        case "avg_pool":
            return nn.AvgPool2d(2)
        case "max_pool":
            return nn.MaxPool2d(2)
        case "cweight":
            return ChannelWeight(channels, kind, is_mixed=is_mixed)
        case "dep_conv":
            filters = [
                _conv3x3(channels, kind, groups=channels),
                nn.Conv2d(channels, channels, 1, bias=False),
            ]
        case "dil_conv":
            filters = [_conv3x3(channels, kind, dilation=2)]
        case _:
            filters = [_conv3x3(channels, kind)]
    return nn.Sequential(*filters, batch_norm(channels, is_mixed=is_mixed), nn.ReLU())


def batch_norm(channels: int, *, is_mixed: bool) -> nn.BatchNorm2d:
    """Return BN; within a search one without scale, shift and running statistics."""
    return nn.BatchNorm2d(channels, affine=not is_mixed, track_running_stats=not is_mixed)


def _conv3x3(channels: int, kind: EdgeKind, *, groups: int = 1, dilation: int = 1) -> nn.Module:
    if kind == "up":
        return nn.ConvTranspose2d(
            channels,
            channels,
            3,
            stride=2,
            padding=dilation,
            output_padding=1,
            dilation=dilation,
            groups=groups,
            bias=False,
        )
    stride = 2 if kind == "down" else 1
    return nn.Conv2d(
        channels, channels, 3, stride=stride, padding=dilation, dilation=dilation, groups=groups, bias=False
    )
