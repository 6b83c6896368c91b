"""The peers have the sizes that follow from their papers, counted by hand, and the shapes of a detector."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torchvision.models import mobilenet_v2, shufflenet_v2_x1_0

from search.limits.cost import count_macs, network_cost
from search.nets.detector import build_detector, initialise
from search.nets.peers.mobile_unet import MobileUNet
from search.nets.peers.shuffle_fabric import ShuffleFabric, ShuffleUnit
from search.nets.spec import NUM_NODES, Family, Genes, NetworkSpec
from tests.search.nets.peers.cells import ALL_OPERATIONS

ENCODER_OF_MOBILENET = 3_504_872 - 1280 * 1000 - 1000  # torchvision's count without the classifier
ENCODER_OF_SHUFFLENET = 2_278_604 - 1024 * 1000 - 1000
PEERS: list[tuple[Family, Genes]] = [
    ("mobile_unet", ()),
    ("shuffle_fabric", ()),
    ("scunet", ()),
    ("nas_unet", ALL_OPERATIONS[0]),
]


def inverted_residual(inputs: int, outputs: int) -> int:
    """Expand six times, depthwise 3x3, project; BN has a scale and a shift."""
    hidden = 6 * inputs
    return inputs * hidden + 2 * hidden + 9 * hidden + 2 * hidden + hidden * outputs + 2 * outputs


def mobile_decoder() -> int:
    channels = [1280, 96, 32, 24, 16, 8]
    up = sum(16 * a * b + b for a, b in pairwise(channels))
    return up + sum(inverted_residual(2 * c, c) for c in channels[1:-1]) + 8 + 1


def shuffle_decoder() -> int:
    pairs = [(1024, 232), (2 * 232, 116), (2 * 116, 24), (2 * 24, 24), (2 * 24, 24)]
    return sum(16 * a * b + 2 * b for a, b in pairs) + 24 + 1


def separable_unet() -> int:
    """w = 64: 9 C + C K and BN a node, on an image alone; then the head."""
    w = 64
    nodes = [(3, w), (w, w), (w, 2 * w), (2 * w, 2 * w), (2 * w, 4 * w), (4 * w, 4 * w)]
    nodes += [(4 * w, 8 * w), (8 * w, 8 * w), (8 * w, 16 * w), (16 * w, 16 * w)]
    for below, here in [(16, 8), (8, 4), (4, 2), (2, 1)]:
        nodes += [((below + here) * w, here * w), (here * w, here * w)]
    assert len(nodes) == NUM_NODES
    return sum(9 * c + c * k + 2 * k for c, k in nodes) + w + 1


def nas_unet_cells() -> int:
    """The first of ALL_OPERATIONS at C = 32 channels, squeezed to 2; BN has 2 C."""
    c, norm = 32, 64
    squeeze = c * 2 + 2 + 2 * c + c
    conv, depthwise = 9 * c * c, 9 * c + c * c
    down = (
        (squeeze + conv + norm) + (conv + norm) + (depthwise + norm)
    )  # cweight, dil, dep; the rest has none
    up = (squeeze + conv + norm) + squeeze + (depthwise + norm) + (conv + norm) + (conv + norm)
    out = 3 * c
    stems = (3 * out + 2 * out) + (27 * out + 2 * out)
    return stems + 8 * 2 * (out * c + norm) + 4 * down + 4 * up + out + 1


@pytest.mark.parametrize(
    ("spec", "params"),
    [
        (NetworkSpec("mobile_unet", (), 64, 0), ENCODER_OF_MOBILENET + mobile_decoder()),
        (NetworkSpec("mobile_unet", (), 64, 0), 4_684_905),
        (NetworkSpec("shuffle_fabric", (), 64, 0), ENCODER_OF_SHUFFLENET + shuffle_decoder()),
        (NetworkSpec("shuffle_fabric", (), 64, 0), 6_042_693),
        (NetworkSpec("scunet", (), 64, 0), separable_unet()),
        (NetworkSpec("scunet", (), 64, 0), 3_558_812),
        (NetworkSpec("nas_unet", ALL_OPERATIONS[0], 64, 0), nas_unet_cells()),
    ],
)
def test_parameters_at_the_published_width(spec: NetworkSpec, params: int) -> None:
    assert network_cost(spec, (64, 64)).params == params


def test_macs_of_a_transposed_convolution_are_counted_by_hand() -> None:
    up = torch.nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2)
    assert count_macs(up, torch.zeros(1, 4, 5, 7)) == 16 * 4 * (6 // 2) * 5 * 7


@pytest.mark.parametrize(("family", "genes"), PEERS)
@pytest.mark.parametrize("reconstructor_width", [0, 2])
def test_a_peer_maps_images_to_logits_and_stands_alone_or_not(
    family: Family, genes: Genes, reconstructor_width: int
) -> None:
    net = build_detector(NetworkSpec(family, genes, 2, reconstructor_width)).train()
    reconstruction, logits = net(torch.rand(2, 3, 32, 64))
    assert logits.shape == (2, 1, 32, 64)
    assert (reconstruction is None) == (reconstructor_width == 0)


@pytest.mark.parametrize(("family", "genes"), PEERS)
def test_fresh_weights_depend_on_the_seed_alone(family: Family, genes: Genes) -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        net = build_detector(NetworkSpec(family, genes, 2, 0))
        initialise(net, "he", seed=seed)
        return list(net.parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(1), weights(2), strict=True))


def test_encoders_are_those_of_torchvision() -> None:
    """Their weights go in as they are, and the features come out the same."""
    mobile, shuffle = mobilenet_v2().eval(), shufflenet_v2_x1_0().eval()
    peer, other = MobileUNet(width=64).eval(), ShuffleFabric(width=64).eval()
    peer.encoder.load_state_dict(mobile.features.state_dict())
    other.encoder.load_state_dict({k: v for k, v in shuffle.state_dict().items() if not k.startswith("fc.")})
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(peer.encoder(image), mobile.features(image))
        ours, theirs = (
            net.stage4(net.stage3(net.stage2(net.maxpool(net.conv1(image)))))
            for net in (other.encoder, shuffle)
        )
        assert torch.equal(ours, theirs)
    assert isinstance(other.encoder.stage4[0], ShuffleUnit)
