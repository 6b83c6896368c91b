"""The whole inspector network: the reconstructor and the segmenter behind it.

Source: [D] Sec. 5.2.2, Fig. 5.1; DRAEM (ICCV 2021).
Differs from the source: weights start as He et al. (2015) unless the recipe asks for DRAEM's N(0, 0.02).
A peer may be a segmenter alone.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from search.nets.autoencoder import Reconstructor
from search.nets.one_shot import OneShotUNet
from search.nets.peers.segmenter import build_segmenter
from search.nets.searched_reconstructor import SearchedReconstructor
from search.nets.sliced import SlicedHead, SlicedKernel, SlicedNorm, SlicedWeight
from search.nets.spec import Genes, NetworkSpec
from search.nets.unet import UNet

Initialisation = Literal["he", "draem"]
DEFECT_PRIOR = 0.02  # share of defective pixels that a fresh head predicts


class Detector(nn.Module):
    """image (B, 3, H, W) in 0..1 -> reconstruction (B, 3, H, W) and logits (B, 1, H, W).

    A segmenter that stands alone sees the image only, and the reconstruction is None.
    """

    def __init__(self, reconstructor: nn.Module | None, segmenter: nn.Module) -> None:
        super().__init__()
        self.reconstructor = reconstructor
        self.segmenter = segmenter

    def forward(self, image: Tensor) -> tuple[Tensor | None, Tensor]:
        if self.reconstructor is None:
            return None, self.segmenter(image)
        reconstruction = self.reconstructor(image)
        return reconstruction, self.segmenter(torch.cat([reconstruction, image], dim=1))

    def score(self, image: Tensor) -> Tensor:
        """Return the probability that a pixel is defective, (B, 1, H, W) float32."""
        return torch.sigmoid(self(image)[1].float())


class OneShotDetector(nn.Module):
    """A reconstructor with a supernet behind it: `forward` also takes the path."""

    def __init__(self, reconstructor: Reconstructor, segmenter: OneShotUNet) -> None:
        super().__init__()
        self.reconstructor = reconstructor
        self.segmenter = segmenter

    def forward(self, image: Tensor, genes: Genes) -> tuple[Tensor, Tensor]:
        reconstruction = self.reconstructor(image)
        return reconstruction, self.segmenter(torch.cat([reconstruction, image], dim=1), genes)


def build_detector(spec: NetworkSpec) -> Detector:
    """Build the network of `spec`; its weights are PyTorch's defaults until `initialise`."""
    if not spec.reconstructor_width:
        return Detector(None, build_segmenter(spec, in_channels=3))
    return Detector(_build_reconstructor(spec), build_segmenter(spec, in_channels=6))


def _build_reconstructor(spec: NetworkSpec) -> nn.Module:
    if spec.reconstructor_genes:
        return SearchedReconstructor(spec.reconstructor_genes, width=spec.reconstructor_width)
    return Reconstructor(width=spec.reconstructor_width)


def build_one_shot(*, width: int, reconstructor_width: int) -> OneShotDetector:
    """Build the supernet of the space `unet`."""
    return OneShotDetector(Reconstructor(width=reconstructor_width), OneShotUNet(width=width))


def inherit(net: Detector, supernet: OneShotDetector) -> None:
    """Copy the supernet's weights along the path of `net`, in place; BN statistics stay fresh."""
    segmenter = net.segmenter
    assert isinstance(segmenter, UNet)
    assert net.reconstructor is not None
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (net.reconstructor, supernet.reconstructor),
        (segmenter.head, supernet.segmenter.head),
        *(
            (node, supernet.segmenter.operation(index, gene))
            for index, (node, gene) in enumerate(zip(segmenter.nodes, segmenter.genes, strict=True))
        ),
    ]
    with torch.no_grad():
        for mine, theirs in pairs:
            for parameter, source in zip(mine.parameters(), theirs.parameters(), strict=True):
                parameter.copy_(source)


def initialise(net: nn.Module, how: Initialisation, *, seed: int) -> None:
    """Draw fresh weights in place, the same for the same seed.

    `he`: Kaiming normal for convolutions and a head that starts at a 2 % defect rate;
    `draem`: N(0, 0.02) for convolutions and N(1, 0.02) for BN scales, as DRAEM's code does.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            std = 0.02 if how == "draem" else math.sqrt(2.0 / _fan_in(module))
            nn.init.normal_(module.weight, 0.0, std, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.zeros_(module.bias)
            if how == "draem":
                nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            else:
                nn.init.ones_(module.weight)
        elif isinstance(module, (SlicedWeight, SlicedKernel, SlicedNorm)):
            module.draw(how, generator)
    if how == "he":
        _start_rare(net)


def _fan_in(conv: nn.Conv2d | nn.ConvTranspose2d) -> float:
    """How many products an output value sums; a transposed convolution's stride spreads its kernel out."""
    height, width = conv.kernel_size
    products = conv.in_channels // conv.groups * height * width
    if isinstance(conv, nn.ConvTranspose2d):
        return products / (conv.stride[0] * conv.stride[1])
    return products


def _start_rare(net: nn.Module) -> None:
    head = net.get_submodule("segmenter.head")
    assert isinstance(head, (nn.Conv2d, SlicedHead))
    assert head.bias is not None
    nn.init.constant_(head.bias, math.log(DEFECT_PRIOR / (1.0 - DEFECT_PRIOR)))
