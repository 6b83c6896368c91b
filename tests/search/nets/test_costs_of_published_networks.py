"""The networks have exactly the sizes that spec/autodd.md and DRAEM's code give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search.limits.cost import count_macs, network_cost
from search.nets.autoencoder import Reconstructor
from search.nets.detector import build_detector
from search.nets.peers.draem import DraemSegmenter
from search.nets.spec import NUM_NODES, NetworkSpec
from search.nets.unet import UNet, node_channels


def num_params(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("width", "gene", "params"),
    [
        (64, 0, 31_386_561),
        (64, 1, 3_559_031),
        (64, 2, 3_559_031),
        (32, 0, 7_850_465),
        (32, 1, 908_119),
        (32, 2, 908_119),
        (16, 0, 1_964_529),
        (16, 1, 236_231),
        (16, 2, 236_231),
    ],
)
def test_parameters_of_the_segmenter(width: int, gene: int, params: int) -> None:
    with torch.device("meta"):
        assert num_params(UNet((gene,) * NUM_NODES, width=width)) == params


@pytest.mark.parametrize(("gene", "gmac"), [(0, 55.80), (1, 6.58), (2, 6.58)])
def test_multiply_adds_of_the_segmenter_at_256(gene: int, gmac: float) -> None:
    with torch.device("meta"):
        net = UNet((gene,) * NUM_NODES, width=64).eval()
        macs = count_macs(net, torch.empty(1, 6, 256, 256))
    assert macs / 1e9 == pytest.approx(gmac, abs=0.005)


@pytest.mark.parametrize(("width", "params"), [(64, 17_271_939), (128, 69_048_579)])
def test_parameters_of_the_reconstructor(width: int, params: int) -> None:
    with torch.device("meta"):
        assert num_params(Reconstructor(width=width)) == params


def test_the_widest_unet_is_over_the_budget_of_the_dissertation() -> None:
    cost = network_cost(NetworkSpec("unet", (0,) * NUM_NODES, 64, 64), (256, 256))
    assert cost.params == 48_658_500
    assert cost.size_mb == pytest.approx(194.6, abs=0.05)


def test_draem_with_its_own_widths_and_two_classes() -> None:
    with torch.device("meta"):
        reconstructor = Reconstructor(width=128).eval()
        segmenter = DraemSegmenter(width=64, out_channels=2).eval()
        macs = count_macs(reconstructor, torch.empty(1, 3, 256, 256))
        macs += count_macs(segmenter, torch.empty(1, 6, 256, 256))
    assert (num_params(reconstructor) + num_params(segmenter)) / 1e6 == pytest.approx(97.4, abs=0.05)
    assert macs / 1e9 == pytest.approx(198, abs=0.5)


def test_macs_of_a_single_convolution_are_counted_by_hand() -> None:
    conv = nn.Conv2d(4, 6, 3, padding=1, groups=2)
    assert count_macs(conv, torch.zeros(1, 4, 5, 7)) == 9 * (4 // 2) * 6 * 5 * 7


def test_channels_and_strides_describe_the_same_18_nodes() -> None:
    assert len(node_channels(8)) == NUM_NODES


@pytest.mark.parametrize("family", ["unet", "draem"])
def test_a_detector_maps_images_to_a_reconstruction_and_logits(family: str) -> None:
    genes = (1,) * NUM_NODES if family == "unet" else ()
    net = build_detector(NetworkSpec(family, genes, 2, 2)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        reconstruction, logits = net(torch.rand(2, 3, 32, 64))
        score = net.score(torch.rand(1, 3, 32, 32))
    assert reconstruction.shape == (2, 3, 32, 64)
    assert logits.shape == (2, 1, 32, 64)
    assert 0 <= score.min() <= score.max() <= 1
