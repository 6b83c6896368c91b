"""What one device needs for each kind of work: a prior from published figures, or measured on the device."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from inspector.errors import InputError
from inspector.latency.work import KINDS
from inspector.output_file import write_file

SCHEMA_VERSION = 1
SHIPPED = Path(__file__).parent / "profiles"
SUFFIX = ".json"


class Record(BaseModel):
    """Frozen, and knows its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Point(Record):
    """One measured layer: nanoseconds for a unit of work (a multiply-add, or a value)."""

    in_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    pixels: int = Field(ge=1)
    ns_per_unit: float = Field(ge=0)


class Roofline(Record):
    """The slower of computing and moving: billions of operations (2 a multiply-add) and of bytes a second."""

    giga_operations_s: Optional[float] = Field(default=None, gt=0)
    giga_bytes_s: float = Field(gt=0)


class KindCost(Record):
    """How long one kind of work takes: `roofline` in a prior, `points` where it was measured.

    scale: by which whole networks are slower than their layers alone.
    """

    roofline: Optional[Roofline] = None
    points: List[Point] = Field(default_factory=list)
    scale: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _one_of_them(self) -> "KindCost":
        if (self.roofline is None) == (not self.points):
            raise ValueError("either a roofline or measured points are needed")
        return self


class DeviceProfile(Record):
    """The speed of one device in one power mode, precision and runtime.

    relative_error: typical error of a predicted total, 0.4 for 40 %; `error_basis` says where it is from.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    name: str = Field(min_length=1, max_length=100)
    description: str
    basis: str = Field(pattern="^(prior|measured)$")
    source: str
    precision: str = Field(pattern="^(fp32|fp16|int8)$")
    relative_error: float = Field(gt=0)
    error_basis: str
    bytes_per_value: int = Field(default=4, ge=1, le=8)
    overhead_ms: float = Field(default=0.0, ge=0)
    overhead_us_per_layer: float = Field(default=0.0, ge=0)
    costs: Dict[str, KindCost]
    machine: Dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _knows_every_kind(self) -> "DeviceProfile":
        if set(self.costs) != set(KINDS):
            raise ValueError(f"costs must be given for {', '.join(KINDS)}")
        return self


def shipped_names() -> List[str]:
    """Return the names of the profiles that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{SUFFIX}"))


def open_profile(name_or_path: str) -> DeviceProfile:
    """Return a shipped profile by its name, or read one from a file.

    Raises:
        InputError: there is no such profile, or the file is not one.
    """
    shipped = SHIPPED / f"{name_or_path}{SUFFIX}"
    is_name = shipped.parent == SHIPPED and "/" not in name_or_path and shipped.is_file()
    path = shipped if is_name else Path(name_or_path)
    if not path.is_file():
        raise InputError(
            f"device {name_or_path!r} is not known: give {', '.join(shipped_names())}, or a file that "
            "`inspector profile --out FILE` wrote on the device (a Jetson Orin needs one: it has no prior)"
        )
    try:
        return DeviceProfile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a device profile: {_first(error)}") from error


def write_profile(profile: DeviceProfile, path: Path) -> None:
    """Write `profile` as JSON.

    Raises:
        StorageError: it cannot be written.
    """
    text = json.dumps(profile.model_dump(mode="json", exclude_defaults=True), indent=1) + "\n"
    write_file(path, text.encode("utf-8"))


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)[:200]
