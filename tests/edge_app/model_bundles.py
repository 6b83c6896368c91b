"""Bundles for tests of the model host: good ones that differ, and ones that must be refused."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from edge_app.services.model_loading import Engine
from edge_app.services.serving import ModelCard
from edge_app.startup import load_model
from inspector.bundle import GoldenFrame, write_bundle
from inspector.bundle_archive import SUMS, sums_of
from inspector.manifest import Distribution, Reference
from tests.tiny_bundle import GAIN, tiny_golden, tiny_manifest, tiny_model, write_tiny_bundle

Files = dict[str, bytes]


def load(path: Path) -> tuple[Engine, ModelCard]:
    return load_model(path, threads=1)


def bundle_of(folder: Path, version: str) -> Path:
    return write_tiny_bundle(folder / f"{version}.bundle", version=version)


def data_of(folder: Path, version: str) -> bytes:
    return bundle_of(folder, version).read_bytes()


def files_of(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # a name twice
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def _summed(files: Files) -> bytes:
    content = {name: data for name, data in files.items() if name != SUMS}
    return zipped([*content.items(), (SUMS, sums_of(content))])


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _escaping(data: bytes) -> bytes:
    return zipped([*files_of(data).items(), ("../../evil.py", b"print()")])


def _doubled(data: bytes) -> bytes:
    files = files_of(data)
    return zipped([*files.items(), ("card.md", files["card.md"])])


def _changed_byte(data: bytes) -> bytes:
    files = files_of(data)
    model = bytearray(files["model.onnx"])
    model[len(model) // 2] ^= 1
    return zipped(list({**files, "model.onnx": bytes(model)}.items()))


def _external(data: bytes) -> bytes:
    model = tiny_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return _with_model(files_of(data), model)


def _newer(data: bytes) -> bytes:
    files = files_of(data)
    manifest = {**json.loads(files["manifest.json"]), "schema_version": 99}
    return _summed({**files, "manifest.json": json.dumps(manifest).encode()})


def _other_answers(data: bytes) -> bytes:
    model = tiny_model()
    bias = model.graph.initializer[1]
    bias.raw_data = np.array([-10.0], np.float32).tobytes()
    return _with_model(files_of(data), model)


def _unloadable(data: bytes) -> bytes:
    model = tiny_model()
    model.graph.node[0].op_type = "NoSuchOperator"
    return _with_model(files_of(data), model)


def _with_model(files: Files, model: onnx.ModelProto) -> bytes:
    content = model.SerializeToString()
    manifest = {**json.loads(files["manifest.json"]), "bytes": len(content)}
    return _summed({**files, "model.onnx": content, "manifest.json": json.dumps(manifest).encode()})


# What is done to a good bundle, and what the refusal must name.
BAD_BUNDLES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "no zip at all": (lambda data: b"\x89PNG not a bundle", "not a readable bundle"),
    "truncated": (_truncated, "cut short or damaged"),
    "a path that escapes": (_escaping, "outside the bundle"),
    "a name twice": (_doubled, "twice"),
    "a changed byte": (_changed_byte, r"model\.onnx in the upload was changed"),
    "external data": (_external, "external data"),
    "a newer schema": (_newer, "schema 99"),
    "other answers": (_other_answers, "golden scores differ"),
    "an unknown operator": (_unloadable, "cannot load"),
}


def other_bundle(folder: Path, version: str, *, bright: float) -> Path:
    """A good bundle whose network finds what is brighter than `bright`, not than `tiny_bundle.BRIGHT`."""
    model = tiny_model()
    model.graph.initializer[1].raw_data = np.array([-GAIN * bright], np.float32).tobytes()
    content = model.SerializeToString()
    frames = [pair.frame for pair in tiny_golden()]
    normal = Distribution.of([0.1, 0.2, 0.3])
    return write_bundle(
        folder / f"{version}.bundle",
        manifest=tiny_manifest(content, version=version),
        model=content,
        golden=[GoldenFrame(frame, brighter_than(bright, frame)) for frame in frames],
        reference=Reference(num_images=3, brightness=normal, focus=normal, score=normal),
        card="# other\n",
        preview_png=b"",
    )


def brighter_than(bright: float, frame: np.ndarray) -> np.ndarray:
    """What the network of `other_bundle` says of a frame at its input size."""
    logits = GAIN * (frame.astype(np.float32).mean(axis=2) / 255 - bright)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
