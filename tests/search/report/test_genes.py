"""The genes over the U-Net."""

from __future__ import annotations

import itertools

import pytest

from search.report.genes import OPERATIONS, draw_genes, node_channels, parse_digits

DIGITS = "012120112021210100"


@pytest.mark.parametrize(
    ("separable", "width", "num_params"),
    [(False, 64, 31_386_561), (True, 64, 3_559_031), (False, 32, 7_850_465), (True, 16, 236_231)],
)
def test_the_channels_written_are_those_of_the_specification(
    separable: bool, width: int, num_params: int
) -> None:
    """spec/autodd.md gives these counts: weights, batch norm, and the 1x1 head with its bias."""
    weights = [9 * c + c * k if separable else 9 * c * k for c, k in node_channels(width)]
    norms = [2 * k for _, k in node_channels(width)]
    assert sum(weights) + sum(norms) + width + 1 == num_params


@pytest.mark.parametrize("digits", [None, "", "0" * 17, "0" * 19, "0" * 17 + "3", 18, "draem", [0] * 18])
def test_what_is_not_18_genes_is_not_drawn(digits: object) -> None:
    assert parse_digits(digits) is None
    assert draw_genes(digits, size_hw=(128, 128), network={"width": 16}) is None


def test_each_node_has_its_operation_and_its_size() -> None:
    drawing = draw_genes(DIGITS, size_hw=(256, 128), network={"width": 16, "reconstructor_width": 8})
    assert drawing is not None
    assert [OPERATIONS.index(node.operation) for node in drawing.nodes] == [int(digit) for digit in DIGITS]
    sizes = [node.size_hw for node in drawing.nodes]
    assert sizes[:3] == [(256, 128), (256, 128), (128, 64)]
    assert sizes[8:10] == [(16, 8), (16, 8)]
    assert sizes == sizes[::-1]


def test_a_skip_runs_straight_from_encoder_to_decoder() -> None:
    drawing = draw_genes(DIGITS, size_hw=(128, 128), network={"width": 16})
    assert drawing is not None
    for level, (y, channels) in enumerate(drawing.skips):
        encoder, decoder = drawing.nodes[2 * level + 1], drawing.nodes[16 - 2 * level]
        assert encoder.y == decoder.y < y < encoder.y + 40
        assert encoder.out_channels == channels
        assert decoder.in_channels == channels + drawing.nodes[15 - 2 * level].out_channels


def test_nodes_do_not_overlap() -> None:
    drawing = draw_genes(DIGITS, size_hw=(128, 128), network={"width": 16})
    assert drawing is not None
    for column in (drawing.nodes[:9], drawing.nodes[:8:-1]):
        gaps = [below.y - above.y for above, below in itertools.pairwise(column)]
        assert min(gaps) > 34
    assert drawing.height > max(node.y for node in drawing.nodes) + 34


def test_the_words_name_every_node_and_count_the_operations() -> None:
    drawing = draw_genes(DIGITS, size_hw=(128, 128), network={"width": 16})
    assert drawing is not None
    assert "0 (encoder): conv 3×3; 1 (encoder): sep 3×3; 2 (encoder): atrous 3×3" in drawing.text
    assert "8 (bottleneck)" in drawing.text
    assert [num for _, num in drawing.used] == [DIGITS.count(digit) for digit in "012"]
