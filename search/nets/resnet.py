"""ResNet-18 for small images: the fixed network of [D] Table 2.3.

Source: He et al. (2016), as torchvision builds it.
Differs from the source: as usual on CIFAR the stem is one 3x3 convolution of stride 1 without pooling.

Shape letters:  B batch   H, W rows, columns   K classes
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import resnet18

STEM_CHANNELS = 64


class SmallImageResNet18(nn.Module):
    """image (B, 3, H, W) -> logits (B, K), None: it has no auxiliary head, and no path to drop."""

    def __init__(self, *, num_classes: int = 10) -> None:
        super().__init__()
        self.net = resnet18(weights=None, num_classes=num_classes)
        self.net.conv1 = nn.Conv2d(3, STEM_CHANNELS, 3, padding=1, bias=False)
        self.net.maxpool = nn.Identity()

    def forward(self, image: Tensor, _drop_path: float = 0.0) -> tuple[Tensor, None]:
        return self.net(image), None
