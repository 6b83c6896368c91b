"""Manifests of both schemas are read; a precision that does not fit its file is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.errors import BundleError
from inspector.manifest import Manifest, PrecisionRecord, QuantizationRecord, parse_manifest
from tests.tiny_bundle import tiny_manifest

SCHEMA_2 = ("target", "precision", "file_precision", "precision_reason", "precision_cost", "quantization")


def _raw(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(tiny_manifest(b"model").to_json())
    return {**raw, **changes}


def _parse(raw: dict[str, Any]) -> Manifest:
    return parse_manifest(json.dumps(raw).encode(), where="parts.bundle")


def test_schema_1_is_read_as_fp32_for_any_runtime() -> None:
    raw = {key: value for key, value in _raw(schema_version=1).items() if key not in SCHEMA_2}
    manifest = _parse(raw)
    assert manifest.schema_version == 1
    assert (manifest.target, manifest.precision, manifest.file_precision) == ("onnx", "fp32", "fp32")
    assert manifest.precision_cost is None
    assert manifest.quantization is None


def test_schema_2_is_read_as_it_was_written() -> None:
    written = tiny_manifest(
        b"model",
        target="cpu",
        precision="int8",
        file_precision="int8",
        tolerance={"fp32": 0.02, "int8": 0.02},
        precision_reason="INT8 is twice as fast",
        precision_cost=PrecisionRecord(
            aupr_before=0.8, aupr_after=0.797, max_aupr_loss=0.005, measured_on="test", num_images=40
        ),
        quantization=QuantizationRecord(
            flavour="cpu", num_calibration=32, num_nodes=20, float_nodes=["conv7", "conv1"]
        ),
    )
    read = parse_manifest(written.to_json(), where="parts.bundle")
    assert read == written
    assert read.schema_version == 2
    assert read.precision_cost is not None
    assert read.precision_cost.aupr_loss == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3}, "parts.bundle has schema 3, but this program reads schemas up to 2"),
        ({"precision": "int4"}, "precision: String should match"),
        ({"precision": "int8"}, r"precision is int8, but tolerances are given for \['fp32'\]"),
        ({"file_precision": "int8"}, "precision is fp32, which a file of int8 cannot answer in"),
        ({"target": "Jetson Nano"}, "target: String should match"),
        (
            {"layers": [{"name": "c", "op": "Conv", "in_channels": -1}]},
            "layers.0.in_channels: Input should be",
        ),
        (
            {"layers": [{"name": "c", "op": "Conv", "out_hw": [0, 8]}]},
            r"layers.0.out_hw: .*\(0, 8\) is no size",
        ),
        ({"layers": [{"name": "c", "op": "Conv", "macs": 10**400}]}, "layers.0.macs: "),
        ({"provenance": "x" * (16 * 1024 * 1024)}, "manifest.json in .* has .* bytes, the limit is 16777216"),
        ({"quantization": {"flavour": "x", "num_calibration": 1, "num_nodes": 1}}, "quantization.flavour"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        _parse(_raw(**changes))
