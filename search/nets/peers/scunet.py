"""SCUNet: the plain U-Net with a depthwise-separable convolution at every node.

Source: [D] Sec. 5.3.2 (vanilla U-Net structure, separable convolutions throughout); Cheng et al. (2022).
Differs from the source: the paper itself is not public; this is what [D] says of it.
"""

from __future__ import annotations

from search.nets.spec import NUM_NODES, OPERATION_NAMES
from search.nets.unet import UNet

SEPARABLE = OPERATION_NAMES.index("sep")


class SCUNet(UNet):
    """(B, in_channels, H, W) -> logits (B, 1, H, W); 3,558,812 parameters at w = 64 on an image alone."""

    def __init__(self, *, width: int, in_channels: int = 3) -> None:
        super().__init__((SEPARABLE,) * NUM_NODES, width=width, in_channels=in_channels)
