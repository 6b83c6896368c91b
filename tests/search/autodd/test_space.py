"""Spaces: what genes stand for, how they are written, and what they cost."""

from __future__ import annotations

import pytest

from search.autodd.space import JointSpace, UNetSpace
from search.limits.cost import network_cost
from search.nets.detector import build_detector
from search.nets.spec import NetworkSpec
from tests.search.conftest import random_genotype

SIZE_HW = (32, 32)
UNET, JOINT = UNetSpace(2, 4), JointSpace(2, 4, styles=3)


def test_the_genes_of_unet_are_the_operations_of_its_nodes() -> None:
    genes = random_genotype(0)
    assert UNET.spec(genes) == NetworkSpec("unet", genes, 2, 4)
    assert UNET.read(UNET.digits(genes)) == genes
    assert UNET.costs(SIZE_HW).cost(genes) == network_cost(UNET.spec(genes), SIZE_HW)
    assert (UNET.num_styles, UNET.style(genes), UNET.path(genes)) == (1, 0, genes)


def test_the_last_gene_of_joint_names_a_style_and_changes_neither_network_nor_cost() -> None:
    genes = random_genotype(1)
    assert JOINT.alphabets == (*UNET.alphabets, 3)
    assert [JOINT.style((*genes, style)) for style in range(JOINT.num_styles)] == [0, 1, 2]
    assert {JOINT.spec((*genes, style)) for style in range(3)} == {UNET.spec(genes)}
    costs = JOINT.costs(SIZE_HW)
    assert {costs.cost((*genes, style)).params for style in range(3)} == {
        UNET.costs(SIZE_HW).cost(genes).params
    }
    assert costs.gene_space().cheapest == (*UNET.costs(SIZE_HW).gene_space().cheapest, None)
    assert costs.lowest() == UNET.costs(SIZE_HW).lowest()


@pytest.mark.parametrize("space", [UNET, JOINT], ids=lambda space: space.name)
def test_a_network_inherits_the_path_of_its_genes(space: UNetSpace) -> None:
    genes = (*random_genotype(2), 1)[: len(space.alphabets)]
    net, supernet = build_detector(space.spec(genes)), space.build_supernet()
    space.inherit(net, supernet, genes)
    operation = supernet.get_submodule(f"segmenter.nodes.5.{genes[5]}")
    inherited = net.get_submodule("segmenter.nodes.5")
    for ours, theirs in zip(inherited.parameters(), operation.parameters(), strict=True):
        assert ours.equal(theirs)


@pytest.mark.parametrize(
    ("digits", "message"),
    [
        ("0" * 18, "is '0*', but space joint has 19 digits"),
        ("0" * 17 + "30", "digit 17 of space joint is 0 to 2"),
        ("0" * 18 + "x", "digit 18 of space joint is 0 to 2"),
    ],
)
def test_digits_of_another_space_are_refused(digits: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JOINT.read(digits)
