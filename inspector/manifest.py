"""What a bundle says about itself: the records of `manifest.json` and `reference.json`.

Schema 2 adds the target, the precision and how it was reached. A manifest of schema 1 is read as one of an
FP32 bundle for the target `onnx`, which is what every such bundle is.
"""

import json
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from inspector.errors import BundleError
from inspector.postprocess import Thresholds

SCHEMA_VERSION = 2
PRECISIONS = ("fp32", "fp16", "int8")
FP32_TOLERANCE = 1e-4
MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_COUNT = 2**53
_PRECISION = "^(" + "|".join(PRECISIONS) + ")$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

RecordT = TypeVar("RecordT", bound="Record")


class Record(BaseModel):
    """A frozen record that knows its fields: unknown keys, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    def to_json(self) -> bytes:
        """Return the record as indented UTF-8 JSON: the same record gives the same bytes."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode("utf-8")


class ThresholdChoiceRecord(Record):
    """How the thresholds were chosen: the budget and what the calibration images say about it."""

    budget: float = Field(gt=0, lt=1)
    false_reject_rate: float = Field(ge=0, le=1)
    interval: Tuple[float, float]
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    num_images: int = Field(ge=0)
    num_needed: Optional[int] = None
    warning: Optional[str] = None


class ThresholdRecord(Record):
    """The thresholds on the smoothed score map; the area is in pixels of the network input."""

    fail: float = Field(ge=0, le=1)
    review: float = Field(ge=0, le=1)
    min_area_px: int = Field(ge=1)
    how: ThresholdChoiceRecord

    @model_validator(mode="after")
    def _band_is_below(self) -> "ThresholdRecord":
        if self.review > self.fail:
            raise ValueError(f"review threshold {self.review} is above the fail threshold {self.fail}")
        return self

    def as_thresholds(self) -> Thresholds:
        """Return what `inspector.postprocess.judge` takes."""
        return Thresholds(fail=self.fail, review=self.review, min_area_px=self.min_area_px)


class GenesRecord(Record):
    """A genotype with the name of the space that gives its digits a meaning."""

    space: str
    digits: str = Field(pattern=r"^[0-9]+$")


class NetworkRecord(Record):
    """Which network this is."""

    family: str
    genes: Optional[GenesRecord] = None
    width: int = Field(gt=0)
    reconstructor_width: Optional[int] = Field(default=None, ge=0)


class LayerRecord(Record):
    """One node of the ONNX graph, as the latency model needs it; what does not apply is None."""

    name: str
    op: str
    in_channels: Optional[int] = Field(default=None, ge=1, le=MAX_COUNT)
    out_channels: Optional[int] = Field(default=None, ge=1, le=MAX_COUNT)
    kernel: Optional[Tuple[int, int]] = None
    stride: Optional[Tuple[int, int]] = None
    dilation: Optional[Tuple[int, int]] = None
    groups: Optional[int] = None
    out_hw: Optional[Tuple[int, int]] = None
    macs: int = Field(default=0, ge=0, le=MAX_COUNT)
    parameters: int = Field(default=0, ge=0, le=MAX_COUNT)

    @field_validator("kernel", "stride", "dilation", "out_hw")
    @classmethod
    def _sides_are_possible(cls, value: Optional[Tuple[int, int]]) -> Optional[Tuple[int, int]]:
        if value is not None and not all(1 <= side <= MAX_COUNT for side in value):
            raise ValueError(f"{value} is no size in pixels")
        return value


class ParityRecord(Record):
    """How far the exported network is from the trained one, over every score value compared."""

    max: float = Field(ge=0)
    mean: float = Field(ge=0)
    p50: float = Field(ge=0)
    p99: float = Field(ge=0)
    p99_9: float = Field(ge=0)
    limit: float = Field(gt=0)
    num_images: int = Field(gt=0)
    num_damaged: int = Field(ge=0)
    num_above_threshold: int = Field(ge=0)
    num_verdict_flips: int = Field(ge=0)
    note: Optional[str] = None


class PrecisionRecord(Record):
    """What a reduced precision costs: the pixel AUPR of the same network before (FP32) and after.

    measured_on: "test" photos of the data set, or "synthetic" defects on good photos where it has none.
    max_aupr_loss: the recipe's limit of the loss.
    """

    aupr_before: float = Field(ge=0, le=1)
    aupr_after: float = Field(ge=0, le=1)
    max_aupr_loss: float = Field(ge=0, le=1)
    measured_on: str = Field(pattern="^(test|synthetic)$")
    num_images: int = Field(gt=0)

    @property
    def aupr_loss(self) -> float:
        """How much of the AUPR the precision costs; negative where it gained some."""
        return self.aupr_before - self.aupr_after


class QuantizationRecord(Record):
    """How a network was brought to INT8.

    flavour: "cpu" (U8 activations, S8 weights) or "tensorrt" (symmetric S8).
    num_calibration: images from which the ranges come, good photos of the training part, a part of them with
        drawn defects; never a test photo.
    float_nodes: convolutions that stay in float, those that lost most first.
    """

    flavour: str = Field(pattern="^(cpu|tensorrt)$")
    num_calibration: int = Field(gt=0)
    num_nodes: int = Field(gt=0)
    float_nodes: List[str] = Field(default_factory=list)


class ProvenanceRecord(Record):
    """Where the network comes from."""

    recipe: Dict[str, Any]
    seed: int
    data_fingerprint: str
    code_version: str


class Manifest(Record):
    """`manifest.json`.

    precision: in which the target answers, and for which the bundle was proven.
    file_precision: of the arithmetic in model.onnx; `fp32` under `fp16` where TensorRT builds its FP16 engine
        from an FP32 file.
    tolerance: largest difference from a golden score, by what the runtime says that it computes in.
    precision_reason: why this precision, where export chose it by itself.
    """

    schema_version: int = SCHEMA_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(min_length=1, max_length=100)
    created: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
    input_hw: Tuple[int, int]
    thresholds: ThresholdRecord
    network: NetworkRecord
    parameters: int = Field(gt=0)
    bytes: int = Field(gt=0)
    macs: int = Field(gt=0)
    layers: List[LayerRecord]
    metrics: Dict[str, Any] = Field(default_factory=dict)
    parity: Optional[ParityRecord] = None
    provenance: ProvenanceRecord
    tolerance: Dict[str, float] = Field(default_factory=lambda: {"fp32": FP32_TOLERANCE})
    target: str = Field(default="onnx", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    precision: str = Field(default="fp32", pattern=_PRECISION)
    file_precision: str = Field(default="fp32", pattern=_PRECISION)
    precision_reason: Optional[str] = None
    precision_cost: Optional[PrecisionRecord] = None
    quantization: Optional[QuantizationRecord] = None

    @model_validator(mode="after")
    def _precision_is_possible(self) -> "Manifest":
        if self.precision not in self.tolerance:
            raise ValueError(
                f"precision is {self.precision}, but tolerances are given for {sorted(self.tolerance)}"
            )
        if self.file_precision not in ("fp32", self.precision):
            raise ValueError(
                f"precision is {self.precision}, which a file of {self.file_precision} cannot answer in"
            )
        return self

    @field_validator("input_hw")
    @classmethod
    def _sides_are_possible(cls, value: Tuple[int, int]) -> Tuple[int, int]:
        if not all(1 <= side <= 8192 for side in value):
            raise ValueError(f"input size {value} is outside 1..8192")
        return value


class Distribution(Record):
    """A handful of figures that describe many values."""

    mean: float
    std: float = Field(ge=0)
    min: float
    p01: float
    p05: float
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Distribution":
        """Describe `values`, at least one of them."""
        array = np.asarray(values, dtype=np.float64)
        p01, p05, p50, p95, p99 = (float(q) for q in np.percentile(array, (1, 5, 50, 95, 99)))
        return cls(
            mean=float(array.mean()),
            std=float(array.std()),
            min=float(array.min()),
            p01=p01,
            p05=p05,
            p50=p50,
            p95=p95,
            p99=p99,
            max=float(array.max()),
        )


class Reference(Record):
    """`reference.json`: what good parts looked like, so that drift on the line can be seen."""

    num_images: int = Field(gt=0)
    brightness: Distribution
    focus: Distribution
    score: Distribution


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """Read `manifest.json` of the bundle `where`.

    Raises:
        BundleError: not JSON, a newer schema, or a field that is missing, unknown or out of range.
    """
    raw = _parse_json(data, name="manifest.json", where=where)
    version = raw.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BundleError(
            f"{where} has schema {version}, but this program reads schemas up to {SCHEMA_VERSION}; "
            "update visual-inspector on this machine"
        )
    return _validate(Manifest, raw, name="manifest.json", where=where)


def parse_reference(data: bytes, *, where: str) -> Reference:
    """Read `reference.json` of the bundle `where`; BundleError as in `parse_manifest`."""
    return _validate(
        Reference,
        _parse_json(data, name="reference.json", where=where),
        name="reference.json",
        where=where,
    )


def _parse_json(data: bytes, *, name: str, where: str) -> Dict[str, Any]:
    if len(data) > MAX_JSON_BYTES:  # parsed, it takes ten times as much: more than a small device has
        raise BundleError(
            f"{name} in {where} has {len(data)} bytes, the limit is {MAX_JSON_BYTES}; export the bundle again"
        )
    try:
        raw = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} in {where} is not JSON ({error}); export the bundle again") from error
    if not isinstance(raw, dict):
        raise BundleError(
            f"{name} in {where} holds a {type(raw).__name__}, not an object; export the bundle again"
        )
    return raw


def _validate(record: Type[RecordT], raw: Dict[str, Any], *, name: str, where: str) -> RecordT:
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BundleError(
            f"{name} in {where} is not valid: {field}: {first['msg']}; export the bundle again"
        ) from error
