"""A path of the supernet is the plain network, and nothing off the path ever moves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search.nets.detector import OneShotDetector, build_detector, build_one_shot, initialise
from search.nets.spec import OPERATION_NAMES, Genes, NetworkSpec, digits_of, genes_of
from tests.search.conftest import SIDE, random_genotype


def make_supernet(seed: int = 0) -> OneShotDetector:
    supernet = build_one_shot(width=2, reconstructor_width=2)
    initialise(supernet, "he", seed=seed)
    return supernet


def plain_state(supernet: OneShotDetector, genes: Genes) -> dict[str, torch.Tensor]:
    """The weights of one path under the names of the plain network."""
    state = {}
    for name, value in supernet.state_dict().items():
        parts = name.split(".")
        if parts[:2] == ["segmenter", "nodes"]:
            node, gene = int(parts[2]), int(parts[3])
            if genes[node] == gene:
                state[".".join([*parts[:3], *parts[4:]])] = value
        else:
            state[name] = value
    return state


def off_path(supernet: OneShotDetector, genes: Genes) -> list[nn.Parameter]:
    return [
        parameter
        for node, chosen in enumerate(genes)
        for gene in range(len(OPERATION_NAMES))
        if gene != chosen
        for parameter in supernet.segmenter.operation(node, gene).parameters()
    ]


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_path_equals_the_plain_network_with_the_same_weights(seed: int, mode: str) -> None:
    genes, image = random_genotype(seed), torch.rand(2, 3, SIDE, SIDE)
    supernet = make_supernet().train(mode == "train")
    plain = build_detector(NetworkSpec("unet", genes, 2, 2)).train(mode == "train")
    plain.load_state_dict(plain_state(supernet, genes))
    for ours, theirs in zip(supernet(image, genes), plain(image), strict=True):
        assert torch.equal(ours, theirs)


def test_gradients_of_a_path_equal_those_of_the_plain_network() -> None:
    genes, image = random_genotype(3), torch.rand(2, 3, SIDE, SIDE)
    supernet = make_supernet()
    plain = build_detector(NetworkSpec("unet", genes, 2, 2))
    plain.load_state_dict(plain_state(supernet, genes))
    supernet(image, genes)[1].sum().backward()
    plain(image)[1].sum().backward()
    on_path = [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    assert len(on_path) == len(list(plain.parameters()))
    for ours, parameter in zip(on_path, plain.parameters(), strict=True):
        assert torch.equal(ours, parameter.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.AdamW])
def test_what_is_off_the_path_gets_no_gradient_no_decay_and_no_momentum(
    make: type[torch.optim.Optimizer],
) -> None:
    supernet = make_supernet()
    optimizer = make(supernet.parameters(), lr=0.1, weight_decay=0.1, fused=True)  # type: ignore[call-arg]
    first, second = random_genotype(4), random_genotype(5)

    def step(genes: Genes) -> None:
        optimizer.zero_grad(set_to_none=True)
        sum(output.sum() for output in supernet(torch.rand(2, 3, SIDE, SIDE), genes)).backward()
        optimizer.step()

    step(first)
    moments = [float(optimizer.state[p]["step"]) for p in off_path(supernet, second) if p in optimizer.state]
    idle = off_path(supernet, second)
    before = [parameter.detach().clone() for parameter in idle]
    step(second)

    assert any(p in optimizer.state for p in idle)  # some have momentum from the first step, and still rest
    assert all(parameter.grad is None for parameter in idle)
    assert all(torch.equal(p, old) for p, old in zip(idle, before, strict=True))
    assert moments == [float(optimizer.state[p]["step"]) for p in idle if p in optimizer.state]
    never = [p for p in off_path(supernet, first) if any(p is other for other in idle)]
    assert never
    assert all(p not in optimizer.state for p in never)


def test_buffers_off_the_path_stay_too() -> None:
    supernet, genes = make_supernet(), random_genotype(6)
    supernet(torch.rand(2, 3, SIDE, SIDE), genes)
    for node, chosen in enumerate(genes):
        for gene in range(len(OPERATION_NAMES)):
            buffers = dict(supernet.segmenter.operation(node, gene).named_buffers())
            assert int(buffers["norm.num_batches_tracked"]) == int(gene == chosen)


@pytest.mark.parametrize("how", ["he", "draem"])
def test_initialisation_depends_on_the_seed_alone(how: str) -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        net = build_one_shot(width=2, reconstructor_width=2)
        initialise(net, how, seed=seed)  # type: ignore[arg-type]
        return list(net.parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(1), weights(2), strict=True))


def test_a_fresh_head_predicts_rare_defects_and_draem_has_small_weights() -> None:
    he, draem = build_one_shot(width=8, reconstructor_width=8), build_one_shot(width=8, reconstructor_width=8)
    initialise(he, "he", seed=0)
    initialise(draem, "draem", seed=0)
    assert he.segmenter.head.bias is not None
    assert float(he.segmenter.head.bias.detach().sigmoid()) == pytest.approx(0.02)
    weights = torch.cat([m.weight.detach().flatten() for m in draem.modules() if isinstance(m, nn.Conv2d)])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
    assert float(weights.mean()) == pytest.approx(0.0, abs=1e-3)


def test_genes_are_written_as_digits_and_read_back() -> None:
    genes = random_genotype(7)
    assert genes_of(digits_of(genes)) == genes
    spec = NetworkSpec("unet", genes, 3, 5)
    assert NetworkSpec.from_dict(spec.as_dict()) == spec
