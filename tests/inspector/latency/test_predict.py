"""Predictions by hand: a roofline, measured points, what runtimes fuse, and files that are no profiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.errors import InputError
from inspector.latency import DeviceProfile, open_profile, predict, shipped_names, write_profile
from inspector.latency.device_profile import KindCost, Point, Roofline
from inspector.latency.work import KINDS, work_of
from inspector.manifest import LayerRecord

PIXELS = 64 * 64


def layer(op: str = "Conv", **fields: Any) -> LayerRecord:
    """A 3x3 convolution of 16 to 32 channels at 64x64, or with other `fields`."""
    conv = {"in_channels": 16, "out_channels": 32, "kernel": (3, 3), "stride": (1, 1), "dilation": (1, 1)}
    work = {"groups": 1, "out_hw": (64, 64), "macs": 9 * 16 * 32 * PIXELS, "parameters": 9 * 16 * 32 + 32}
    plain = {"in_channels": 16, "out_channels": 16, "out_hw": (64, 64)}
    base = {**conv, **work} if op == "Conv" else plain
    return LayerRecord(name=op, op=op, **{**base, **fields})


def profile(**changes: Any) -> DeviceProfile:
    """100 billion operations and 10 billion bytes a second, 4 bytes a value, 0.5 ms a call."""
    roofline = KindCost(roofline=Roofline(giga_operations_s=100, giga_bytes_s=10))
    fields: dict[str, Any] = {
        "name": "test",
        "description": "",
        "basis": "prior",
        "source": "made up",
        "precision": "fp32",
        "relative_error": 0.25,
        "error_basis": "made up",
        "overhead_ms": 0.5,
        "costs": dict.fromkeys(KINDS, roofline),
    }
    return DeviceProfile(**{**fields, **changes})


def test_a_layer_that_computes_takes_two_operations_a_multiply_add() -> None:
    found = predict([layer()], profile())
    assert found.layers[0].ms == pytest.approx(2 * 9 * 16 * 32 * PIXELS / 100e9 * 1e3)
    assert found.total_ms == pytest.approx(found.layers[0].ms + 0.5)
    assert found.range_ms == (found.total_ms / 1.25, found.total_ms * 1.25)


def test_a_layer_that_moves_data_takes_its_bytes() -> None:
    (concat,) = predict([layer("Concat", in_channels=16, out_channels=16)], profile()).layers
    assert concat.ms == pytest.approx(2 * 16 * PIXELS * 4 / 10e9 * 1e3)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (layer(), "dense"),
        (layer(kernel=(1, 1)), "pointwise"),
        (layer(in_channels=3), "first"),
        (layer(in_channels=6), "first"),
        (layer(in_channels=7), "dense"),
        (layer(groups=16), "depthwise"),
        (layer(groups=16, dilation=(2, 2)), "dilated_depthwise"),
        (layer("MaxPool", stride=(2, 2)), "rescale"),
        (layer("Resize"), "rescale"),
        (layer("Concat"), "concat"),
        (layer("Sigmoid"), "elementwise"),
        (layer("Relu"), None),  # inside the convolution before
    ],
)
def test_kinds(record: LayerRecord, kind: str | None) -> None:
    work = work_of(record)
    assert (None if work is None else work.kind) == kind


def test_pooling_and_resizing_are_counted_by_their_larger_side() -> None:
    pool, resize = work_of(layer("MaxPool", stride=(2, 2))), work_of(layer("Resize"))
    assert pool is not None
    assert resize is not None
    assert (pool.units, pool.values) == (4 * 16 * PIXELS, 5 * 16 * PIXELS)
    assert (resize.units, resize.values) == (16 * PIXELS, 1.25 * 16 * PIXELS)


def test_a_transposed_convolution_reads_the_smaller_side() -> None:
    # It was taken for a convolution with that stride: sixteen times the bytes that it reads.
    up = work_of(layer(stride=(2, 2)).model_copy(update={"op": "ConvTranspose"}))
    assert up is not None
    assert up.values == (16 / 4 + 32) * PIXELS


def measured(points: list[Point], **changes: Any) -> DeviceProfile:
    costs = {kind: KindCost(points=points, **changes) for kind in KINDS}
    return profile(costs=costs, overhead_ms=0.0)


def test_a_measured_layer_takes_its_own_time() -> None:
    near = Point(in_channels=16, out_channels=32, pixels=PIXELS, ns_per_unit=0.02)
    far = Point(in_channels=256, out_channels=256, pixels=PIXELS, ns_per_unit=0.5)
    record = layer()
    assert predict([record], measured([near, far])).total_ms == pytest.approx(record.macs * 0.02e-6)
    doubled = measured([near, far], scale=2.0)
    assert predict([record], doubled).total_ms == pytest.approx(2 * record.macs * 0.02e-6)


def test_between_two_measured_layers_the_time_is_their_geometric_mean() -> None:
    points = [
        Point(in_channels=8, out_channels=32, pixels=PIXELS, ns_per_unit=0.01),
        Point(in_channels=32, out_channels=32, pixels=PIXELS, ns_per_unit=0.04),
    ]
    record = layer()
    assert predict([record], measured(points)).total_ms == pytest.approx(record.macs * 0.02e-6)


def test_every_shipped_profile_opens() -> None:
    assert {"jetson-nano", "jetson-nano-5w"} <= set(shipped_names())
    for name in shipped_names():
        found = open_profile(name)
        assert found.name == name
        assert predict([layer()], found).total_ms > 0
    slow, fast = (predict([layer()], open_profile(name)) for name in ("jetson-nano-5w", "jetson-nano"))
    assert slow.total_ms > fast.total_ms


def test_a_profile_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "line7.json"
    write_profile(profile(), path)
    assert open_profile(str(path)) == profile()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a device profile"),
        ("[]", "is not a device profile"),
        (json.dumps({"name": "x"}), "is not a device profile: description"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        open_profile(str(path))


@pytest.mark.parametrize("name", ["jetson-orin", "../jetson-nano", "profiles/jetson-nano", ""])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"is not known: give jetson-nano|is not a device profile"):
        open_profile(name)
