"""The scan puts back the fewest of the worst convolutions, asks little, and gives up in time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from export.precision_cost import PrecisionError, check_cost
from export.sensitivity import scan
from inspector.manifest import PrecisionRecord

ERRORS = {f"conv{number}": float((number * 7) % 20) for number in range(20)}  # a permutation of 0..19


class Network:
    """Loses 0.001 for each of the worst `num_bad` convolutions that is quantised; counts what is asked."""

    def __init__(self, num_bad: int) -> None:
        self._bad = sorted(ERRORS, key=ERRORS.__getitem__, reverse=True)[:num_bad]
        self.num_losses = self.num_errors = 0

    def loss_of(self, floats: Sequence[str]) -> float:
        self.num_losses += 1
        return 0.001 * len(set(self._bad) - set(floats))

    def error_of(self, node: str) -> float:
        self.num_errors += 1
        return ERRORS[node]


@pytest.mark.parametrize(
    ("num_bad", "max_loss", "num_float"),
    [
        (0, 0.0, 0),
        (3, 0.003, 0),
        (3, 0.0025, 1),
        (3, 0.0, 3),
        (4, 0.0, 4),
        (5, 0.0, 5),
        (7, 0.001, 6),
        (10, 0.0, 10),
    ],
)
def test_the_fewest_nodes_stay_in_float(num_bad: int, max_loss: float, num_float: int) -> None:
    network = Network(num_bad)
    found = scan(list(ERRORS), loss_of=network.loss_of, error_of=network.error_of, max_loss=max_loss)
    assert [ERRORS[node] for node in found.float_nodes] == [float(19 - n) for n in range(num_float)]
    assert found.loss <= max_loss
    assert found.num_tried == network.num_losses <= 9
    assert network.num_errors == (20 if num_float else 0)


def test_it_gives_up_when_half_of_the_nodes_are_not_enough() -> None:
    network = Network(12)
    with pytest.raises(
        PrecisionError, match=r"INT8 loses 0\.0020 of AUPR even with 10 of 20 convolutions in"
    ):
        scan(list(ERRORS), loss_of=network.loss_of, error_of=network.error_of, max_loss=0.001)


def test_a_single_convolution_is_not_kept_in_float() -> None:
    with pytest.raises(PrecisionError, match="even with 0 of 1 convolutions"):
        scan(["only"], loss_of=lambda _floats: 0.5, error_of=lambda _node: 1.0, max_loss=0.1)


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
