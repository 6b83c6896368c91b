"""The latency gate prints its figure, and closes above the limit."""

from __future__ import annotations

from typing import Any

import pytest

from export.latency import check_latency
from inspector.errors import BudgetError
from inspector.manifest import LayerRecord

LAYERS = [
    LayerRecord(
        name="conv",
        op="Conv",
        in_channels=64,
        out_channels=64,
        kernel=(3, 3),
        stride=(1, 1),
        dilation=(1, 1),
        groups=1,
        out_hw=(256, 256),
        macs=9 * 64 * 64 * 256 * 256,
    )
]
# 2 * MACs / (0.70 * 472e9 a second) and 15 us: the prior of facts/jetson.md, section 6, by hand.
NANO_MS = 2 * 9 * 64 * 64 * 256 * 256 / (0.70 * 472e9) * 1e3 + 0.015


@pytest.mark.parametrize(
    ("limits", "target", "line"),
    [
        ({}, "jetson-nano", f"{NANO_MS:.4g} ms predicted on jetson-nano"),
        ({"device": "jetson-nano"}, "onnx", f"{NANO_MS:.4g} ms predicted on jetson-nano"),
        ({"device": "jetson-nano", "max_latency_ms": 20}, "cpu", f"{NANO_MS:.4g} ms of 20 predicted on"),
        ({}, "jetson-orin", "not predicted: no profile of the target jetson-orin"),
    ],
)
def test_the_figure_is_printed(limits: dict[str, Any], target: str, line: str) -> None:
    assert check_latency(LAYERS, limits, target=target).startswith(line)


def test_above_the_limit_nothing_is_exported() -> None:
    limits = {"device": "jetson-nano", "max_latency_ms": 5}
    with pytest.raises(
        BudgetError, match=f"predicted to take {NANO_MS:.4g} ms on jetson-nano, the limit is 5"
    ):
        check_latency(LAYERS, limits, target="jetson-nano")
