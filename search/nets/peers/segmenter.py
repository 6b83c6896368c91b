"""Which segmenter a network has: AutoDD's U-Net or a peer's."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from search.nets.peers.draem import DraemSegmenter
from search.nets.peers.encoder import load_encoder
from search.nets.peers.mobile_unet import MobileUNet
from search.nets.peers.nas_unet import NasUNet
from search.nets.peers.scunet import SCUNet
from search.nets.peers.shuffle_fabric import ShuffleFabric
from search.nets.spec import NetworkSpec
from search.nets.unet import UNet


def build_segmenter(spec: NetworkSpec, *, in_channels: int) -> nn.Module:
    """Build the segmenter of `spec`: (B, in_channels, H, W) -> logits (B, 1, H, W); H, W multiples of 32."""
    if spec.family == "unet":
        return UNet(spec.genes, width=spec.width, in_channels=in_channels)
    if spec.family == "nas_unet":
        return NasUNet(spec.genes, width=spec.width, in_channels=in_channels)
    if spec.family == "draem":
        return DraemSegmenter(width=spec.width, in_channels=in_channels)
    if spec.family == "mobile_unet":
        return MobileUNet(width=spec.width, in_channels=in_channels)
    if spec.family == "shuffle_fabric":
        return ShuffleFabric(width=spec.width, in_channels=in_channels)
    return SCUNet(width=spec.width, in_channels=in_channels)


def load_encoder_weights(detector: nn.Module, file: Path) -> None:
    """Give a Mobile-UNet or Shuffle-fabric the encoder weights of torchvision's `file`, in place.

    Raises:
        RecipeError: as in `load_encoder`.
    """
    segmenter = detector.get_submodule("segmenter")
    assert isinstance(segmenter, (MobileUNet, ShuffleFabric))
    load_encoder(segmenter.encoder, file, prefix="features." if isinstance(segmenter, MobileUNet) else "")
