"""The deployable bundle: one network, what it needs to run, and the proof that nothing was changed.

A folder, or the same folder zipped as `NAME.bundle`: `manifest.json`, `model.onnx`, `golden/`,
`reference.json`, `card.md`, `preview.png`, `SHA256SUMS`, and `SHA256SUMS.sig` where it is signed.
"""

import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from inspector.bundle_archive import SIGNATURE, SUMS, read_files, sums_of
from inspector.bundle_output import write_files
from inspector.errors import BundleError
from inspector.external_data import refuse_external_data
from inspector.manifest import Manifest, Reference, parse_manifest, parse_reference
from inspector.postprocess import Thresholds
from inspector.preprocess import frame_to_image
from inspector.signature import TrustedKey, check_signature

_REQUIRED = ("manifest.json", "model.onnx", "reference.json", "card.md", "preview.png")
_GOLDEN = re.compile(r"golden/(\d{3})_(frame|score)\.npy")


@dataclass(frozen=True)
class GoldenFrame:
    """A frame at network input size, uint8 (H, W, 3) BGR, and the score it must give, float32 (H, W)."""

    frame: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, held in memory.

    `files` is every file by name; the other views are read from it once, when the bundle is opened.
    """

    path: Path
    files: Mapping[str, bytes] = field(repr=False)
    manifest: Manifest = field(repr=False)
    reference: Reference = field(repr=False)
    golden_frames: Tuple[GoldenFrame, ...] = field(repr=False)
    signed_by: Optional[TrustedKey] = None

    @classmethod
    def open(cls, path: Path, *, trusted_keys: Sequence[TrustedKey] = ()) -> "Bundle":
        """Read and verify the bundle at `path`, a folder or a zip.

        Args:
            trusted_keys: Where given, only a bundle that one of them signed is opened; see `signed_by`.

        Raises:
            BundleError: a file is missing, extra, changed or unsafe, the schema is newer than this program,
                the model keeps data outside itself, or no trusted key signed it. The message names the file.
        """
        path = Path(path)
        files = read_files(path)
        where = str(path)
        signer = None
        if trusted_keys:
            signer = check_signature(files[SUMS], files.get(SIGNATURE, b""), trusted_keys, where=where)
        for name in _REQUIRED:
            if name not in files:
                raise BundleError(f"{where} has no {name}; export the bundle again")
        manifest = parse_manifest(files["manifest.json"], where=where)
        if manifest.bytes != len(files["model.onnx"]):
            raise BundleError(
                f"model.onnx in {where} has {len(files['model.onnx'])} bytes, "
                f"manifest.json says {manifest.bytes}; export the bundle again"
            )
        refuse_external_data(files["model.onnx"], where=where)
        return cls(
            path=path,
            files=files,
            manifest=manifest,
            reference=parse_reference(files["reference.json"], where=where),
            golden_frames=_read_golden(files, size_hw=manifest.input_hw, where=where),
            signed_by=signer,
        )

    @property
    def model_bytes(self) -> bytes:
        """The ONNX file."""
        return self.files["model.onnx"]

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds chosen at export, as `judge` takes them."""
        return self.manifest.thresholds.as_thresholds()

    @property
    def golden(self) -> List[Tuple[np.ndarray, np.ndarray]]:
        """Pairs of network input, float32 (1, 3, H, W), and expected score, float32 (H, W)."""
        return [(frame_to_image(golden.frame), golden.score) for golden in self.golden_frames]

    @property
    def tolerance(self) -> Dict[str, float]:
        """Largest allowed difference from a golden score, by precision ("fp32", ...)."""
        return dict(self.manifest.tolerance)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return self.files["card.md"].decode("utf-8", "replace")

    @property
    def preview_png(self) -> bytes:
        """A picture of what the network finds."""
        return self.files["preview.png"]

    @property
    def digest(self) -> str:
        """SHA-256 of SHA256SUMS, which names every byte of the bundle: the bundle's identity."""
        return hashlib.sha256(self.files[SUMS]).hexdigest()


def write_bundle(
    path: Path,
    *,
    manifest: Manifest,
    model: bytes,
    golden: Sequence[GoldenFrame],
    reference: Reference,
    card: str,
    preview_png: bytes,
) -> Path:
    """Write a bundle to `path`: a zip when it ends in `.bundle`, else a folder. Same input, same bytes.

    It appears whole or not at all; a bundle that is there already is replaced.

    Raises:
        BundleError: `path` holds something that is not a bundle, or the parts do not fit together.
        StorageError: it cannot be written.
    """
    files = {
        "manifest.json": manifest.to_json(),
        "model.onnx": model,
        "reference.json": reference.to_json(),
        "card.md": card.encode("utf-8"),
        "preview.png": preview_png,
    }
    for number, pair in enumerate(golden):
        files[f"golden/{number:03d}_frame.npy"] = _npy(pair.frame)
        files[f"golden/{number:03d}_score.npy"] = _npy(pair.score)
    _read_golden(files, size_hw=manifest.input_hw, where=str(path))
    if manifest.bytes != len(model):
        raise BundleError(f"the manifest says {manifest.bytes} bytes, but the model has {len(model)}")
    refuse_external_data(model, where=str(path))
    files[SUMS] = sums_of(files)
    write_files(path, files)
    return path


def _read_golden(
    files: Mapping[str, bytes], *, size_hw: Tuple[int, int], where: str
) -> Tuple[GoldenFrame, ...]:
    names = sorted(name for name in files if name.startswith("golden/"))
    numbers = {match.group(1) for match in map(_GOLDEN.fullmatch, names) if match is not None}
    expected = sorted(f"golden/{number}_{part}.npy" for number in numbers for part in ("frame", "score"))
    if not names or names != expected:
        raise BundleError(
            f"golden/ in {where} must hold pairs NNN_frame.npy and NNN_score.npy, at least one; "
            "export the bundle again"
        )
    return tuple(
        GoldenFrame(
            frame=_array(
                files, f"golden/{number}_frame.npy", dtype="uint8", shape=(*size_hw, 3), where=where
            ),
            score=_array(files, f"golden/{number}_score.npy", dtype="float32", shape=size_hw, where=where),
        )
        for number in sorted(numbers)
    )


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _array(
    files: Mapping[str, bytes], name: str, *, dtype: str, shape: Tuple[int, ...], where: str
) -> np.ndarray:
    """Read one .npy; its size is checked before numpy believes the header, and nothing is ever unpickled."""
    data = files[name]
    num_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        if not num_bytes < len(data) <= num_bytes + 4096:
            raise ValueError(f"it has {len(data)} bytes")
        if np.lib.format.read_magic(io.BytesIO(data[:8])) != (1, 0):
            raise ValueError("it is of another .npy version")
        found = np.lib.format.read_array_header_1_0(io.BytesIO(data[8:]))
        if found != (shape, False, np.dtype(dtype)):
            raise ValueError(f"it holds {found[2]} {found[0]}")
        array = np.frombuffer(data[len(data) - num_bytes :], dtype=dtype).reshape(shape)
    except ValueError as error:
        raise BundleError(
            f"{name} in {where} must be a C-ordered {dtype} array {shape}, but {error}; "
            "export the bundle again"
        ) from error
    if not np.all(np.isfinite(array)):
        raise BundleError(f"{name} in {where} holds values that are not numbers; export the bundle again")
    return array
