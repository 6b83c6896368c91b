"""The space `dual`: a path at any width is the plain network, and nothing off the path ever moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from search.nets.detector import Detector, build_detector, initialise
from search.nets.dual import DUAL_ALPHABETS, DualPath
from search.nets.dual_one_shot import DualOneShot, inherit_dual
from search.nets.spec import NUM_NODES, Genes, NetworkSpec
from tests.search.conftest import SIDE

WIDTH, RECONSTRUCTOR_WIDTH = 8, 4
LEVELS = [(segmenter, reconstructor) for segmenter in range(3) for reconstructor in range(3)]


@pytest.fixture(scope="module")
def supernet() -> DualOneShot:
    return make_supernet()


def make_supernet(*, seed: int = 0, how: str = "he") -> DualOneShot:
    net = DualOneShot(width=WIDTH, reconstructor_width=RECONSTRUCTOR_WIDTH)
    initialise(net, how, seed=seed)  # type: ignore[arg-type]
    return net


def random_genes(seed: int, levels: tuple[int, int] | None = None) -> Genes:
    path = DualPath.of(tuple(int(gene) for gene in np.random.default_rng(seed).integers(DUAL_ALPHABETS)))
    if levels is not None:
        path = replace(path, segmenter_level=levels[0], reconstructor_level=levels[1])
    return path.genes


def plain(supernet: DualOneShot, genes: Genes) -> Detector:
    net = build_detector(DualPath.of(genes).spec(width=WIDTH, reconstructor_width=RECONSTRUCTOR_WIDTH))
    inherit_dual(net, supernet, genes)
    return net.train()


def test_the_genes_are_each_networks_width_and_its_operations() -> None:
    genes = (0, *[1] * 22, 2, *[0] * NUM_NODES)
    assert DualPath.of(genes).genes == genes
    spec = DualPath.of(genes).spec(width=WIDTH, reconstructor_width=RECONSTRUCTOR_WIDTH)
    assert spec == NetworkSpec("unet", (0,) * NUM_NODES, WIDTH, RECONSTRUCTOR_WIDTH // 4, (1,) * 22)
    assert NetworkSpec.from_dict(spec.as_dict()) == spec
    assert len(DUAL_ALPHABETS) == 42


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_a_path_at_any_width_equals_the_plain_network_that_inherits_it(
    supernet: DualOneShot, levels: tuple[int, int]
) -> None:
    genes, image = random_genes(sum(levels), levels), torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        for ours, theirs in zip(supernet(image, genes), plain(supernet, genes)(image), strict=True):
            assert torch.equal(ours, theirs)


def test_gradients_of_a_path_are_those_of_the_plain_network(supernet: DualOneShot) -> None:
    genes, image = random_genes(3), torch.rand(2, 3, SIDE, SIDE)
    net = plain(supernet, genes)
    net(image)[1].sum().backward()
    supernet(image, genes)[1].sum().backward()
    ours = [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    theirs = [parameter.grad for parameter in net.parameters()]
    assert sum(grad.numel() for grad in ours) == sum(parameter.numel() for parameter in net.parameters())
    total = torch.stack([grad.square().sum() for grad in theirs if grad is not None]).sum()
    assert torch.allclose(torch.stack([grad.square().sum() for grad in ours]).sum(), total, rtol=1e-4)


def test_what_is_off_the_path_gets_no_gradient_no_decay_and_no_momentum() -> None:
    """One tensor for all widths moved wholly: Adam goes on with momentum where the gradient is zero."""
    supernet = make_supernet()
    optimizer = torch.optim.AdamW(supernet.parameters(), lr=0.1, weight_decay=0.1, fused=True)
    wide, narrow = random_genes(4, (2, 2)), random_genes(4, (0, 0))  # the same operations

    def step(genes: Genes) -> None:
        optimizer.zero_grad(set_to_none=True)
        sum(output.sum() for output in supernet(torch.rand(2, 3, SIDE, SIDE), genes)).backward()
        optimizer.step()

    step(wide)
    before = {name: parameter.detach().clone() for name, parameter in supernet.named_parameters()}
    step(narrow)
    moved = {name for name, parameter in supernet.named_parameters() if not parameter.equal(before[name])}
    on_path = {name for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    assert moved == on_path
    resting = [p for p in supernet.parameters() if p in optimizer.state and p.grad is None]
    assert resting  # wide blocks have momentum from the first step
    assert 0 < sum(supernet.get_parameter(name).numel() for name in moved) < sum(p.numel() for p in resting)


@pytest.mark.parametrize("how", ["he", "draem"])
def test_initialisation_depends_on_the_seed_alone(how: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        return nn.utils.parameters_to_vector(make_supernet(seed=seed, how=how).parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_fresh_head_predicts_rare_defects(supernet: DualOneShot) -> None:
    assert float(supernet.segmenter.head.bias.detach().sigmoid()) == pytest.approx(0.02)
    kernel = supernet.segmenter.operation(9, 0).weights(2)[0].detach()
    assert float(kernel.std()) == pytest.approx((2 / (16 * WIDTH * 9)) ** 0.5, rel=0.02)
