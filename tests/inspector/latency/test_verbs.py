"""`inspector profile` measures this machine, and `inspector latency` predicts from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.cli import run
from inspector.manifest import LayerRecord
from tests.tiny_bundle import SIZE_HW, write_tiny_bundle

CONV = LayerRecord(
    name="conv", op="Conv", in_channels=3, out_channels=1, kernel=(1, 1), out_hw=SIZE_HW, macs=3 * 32 * 48
)


def test_profile_then_latency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "here.json"
    asked = ["--out", str(out), "--core", "--seconds", "0.01", "--threads", "1", "--json"]
    assert run(["profile", *asked]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["machine"]["runtime"] == "onnxruntime-cpu"
    assert answer["machine"]["threads"] == 1
    bundle = write_tiny_bundle(tmp_path / "tiny.bundle")
    assert run(["latency", str(bundle), "--device", str(out), "--measure", "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["basis"] == "measured"
    assert found["measured_ms"] > 0
    assert found["total_ms"] > 0


def test_latency_lists_kinds_or_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(write_tiny_bundle(tmp_path / "tiny.bundle", layers=[CONV]))
    assert run(["latency", bundle, "--device", "jetson-nano"]) == 0
    said = capsys.readouterr()
    assert "tiny on jetson-nano:" in said.out
    assert "(prior: stated by the prior, not measured: no Jetson was there)" in said.out
    assert "the profile is for fp16, the bundle answers in fp32" in said.err
    assert run(["latency", bundle, "--device", "jetson-nano", "--layers"]) == 0
    assert "3 -> 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latency", "BUNDLE", "--device", "orin"], "device 'orin' is not known"),
        (["profile", "--out", "x.json", "--precision", "int4"], "--precision int4 is not known"),
        (
            ["profile", "--out", "x.json", "--runtime", "cpu", "--precision", "fp16"],
            "onnxruntime-cpu computes the probes in fp32, not in fp16",
        ),
        (["profile", "--out", "x.json", "--runtime", "tensorrt"], "no tensorrt runtime is installed"),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    bundle = str(write_tiny_bundle(tmp_path / "tiny.bundle"))
    assert run([bundle if argument == "BUNDLE" else argument for argument in arguments]) in (1, 2)
    assert message in capsys.readouterr().err
