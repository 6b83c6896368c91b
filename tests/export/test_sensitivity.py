"""The scan puts back the fewest of the worst convolutions, asks little, and gives up in time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from export.precision_cost import PrecisionError, check_cost
from export.sensitivity import Block, Loss, scan
from inspector.manifest import PrecisionRecord

NUM_BLOCKS = 20
ERRORS: dict[Block, float] = {
    (f"conv{number}",): float((number * 7) % 20) for number in range(NUM_BLOCKS)
}  # a permutation
BLOCKS: dict[Block, int] = dict.fromkeys(ERRORS, 100)  # multiply-adds
ANY = 1.0


class Network:
    """Loses 0.001 for each of the worst `num_bad` blocks that is quantised; counts what is asked."""

    def __init__(self, num_bad: int) -> None:
        self._bad = sorted(ERRORS, key=ERRORS.__getitem__, reverse=True)[:num_bad]
        self.num_losses = self.num_errors = 0

    def loss_of(self, floats: Sequence[str]) -> Loss:
        self.num_losses += 1
        num_left = len({name for (name,) in self._bad} - set(floats))
        return Loss(aupr=0.001 * num_left, error=0.01 * num_left)

    def error_of(self, block: Block) -> float:
        self.num_errors += 1
        return ERRORS[block]


@pytest.mark.parametrize(
    ("num_bad", "limit", "num_float"),
    [
        (0, Loss(0.0, 0.0), 0),
        (3, Loss(0.003, ANY), 0),
        (3, Loss(0.0025, ANY), 1),
        (3, Loss(ANY, 0.025), 1),  # the error of the scores alone
        (3, Loss(0.0, ANY), 3),
        (4, Loss(0.0, ANY), 4),
        (5, Loss(0.0, ANY), 5),
        (7, Loss(0.001, ANY), 6),
        (10, Loss(0.0, ANY), 10),
    ],
)
def test_the_fewest_nodes_stay_in_float(num_bad: int, limit: Loss, num_float: int) -> None:
    network = Network(num_bad)
    found = scan(BLOCKS, loss_of=network.loss_of, error_of=network.error_of, limit=limit)
    assert [ERRORS[(node,)] for node in found.float_nodes] == [float(19 - n) for n in range(num_float)]
    assert found.float_share == pytest.approx(num_float / NUM_BLOCKS)
    assert found.loss.within(limit)
    assert found.num_tried == network.num_losses <= 9
    assert network.num_errors == (NUM_BLOCKS if num_float else 0)


def test_a_cheap_block_goes_before_one_that_brings_a_little_more_error() -> None:
    """A full convolution at full size in float costs the speed that INT8 was chosen for."""
    blocks: dict[Block, int] = {("dear",): 1000, ("depthwise", "pointwise"): 100, ("rest",): 2000}
    errors: dict[Block, float] = {("dear",): 3.0, ("depthwise", "pointwise"): 2.0, ("rest",): 0.0}

    def loss_of(floats: Sequence[str]) -> Loss:
        return Loss(0.0, 0.0 if floats else 1.0)

    found = scan(blocks, loss_of=loss_of, error_of=errors.__getitem__, limit=Loss(0.0, 0.5))
    assert found.float_nodes == ("depthwise", "pointwise")
    assert found.float_share == pytest.approx(100 / 3100)


def test_it_gives_up_when_half_of_the_work_in_float_is_not_enough() -> None:
    network = Network(12)
    with pytest.raises(
        PrecisionError, match=r"INT8 loses 0\.0020 of AUPR and moves scores by 0\.0200 .* 10 of 20 blocks"
    ):
        scan(BLOCKS, loss_of=network.loss_of, error_of=network.error_of, limit=Loss(0.001, ANY))


def test_a_single_convolution_is_not_kept_in_float() -> None:
    with pytest.raises(PrecisionError, match="even with 0 of 1 blocks"):
        scan(
            {("only",): 5},
            loss_of=lambda _floats: Loss(0.5, 0.5),
            error_of=lambda _block: 1.0,
            limit=Loss(0.1, 0.1),
        )


def _record(after: float) -> PrecisionRecord:
    return PrecisionRecord(
        aupr_before=0.8, aupr_after=after, max_aupr_loss=0.005, measured_on="test", num_images=30
    )


def test_the_cost_is_said() -> None:
    assert check_cost(_record(0.796), precision="int8") == (
        "pixel AUPR 0.8000 in FP32, 0.7960 in INT8, a loss of 0.0040 of 0.005 allowed, on 30 test photos"
    )
    assert "a loss of -0.0100" in check_cost(_record(0.81), precision="fp16")


def test_more_than_the_allowed_loss_is_refused() -> None:
    with pytest.raises(
        PrecisionError, match=r"INT8 lowers the pixel AUPR from 0\.8000 to 0\.7940 .* 0\.005 is"
    ):
        check_cost(_record(0.794), precision="int8")
