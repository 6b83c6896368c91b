"""The probe models that `inspector profile` times on a device: written by `export.probes`, shipped as a zip.

A probe is a pair of models that differ only in how often they repeat a block of layers, so that the
difference of their times is the block's alone, in the memory layout that it has inside a network. Reference
networks are whole networks of the search space.
"""

import json
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Tuple

from pydantic import Field

from inspector.errors import InputError
from inspector.latency.device_profile import Record
from inspector.manifest import LayerRecord

SHIPPED = Path(__file__).parent / "probes.zip"
INDEX = "probes.json"


class Probe(Record):
    """A block of layers, repeated. `targets` are the layers of the block whose time it tells.

    is_core: also in the short list, for devices where each model takes minutes to build.
    """

    name: str
    hw: Tuple[int, int]
    block: List[LayerRecord]
    targets: List[int]
    repeats: Tuple[int, int]
    is_core: bool

    @property
    def files(self) -> Tuple[str, str]:
        """The models with the smaller and the larger number of repeats."""
        return f"{self.name}_{self.repeats[0]}.onnx", f"{self.name}_{self.repeats[1]}.onnx"


class ReferenceNetwork(Record):
    """A whole network of the search space."""

    name: str
    hw: Tuple[int, int]
    layers: List[LayerRecord]
    is_core: bool

    @property
    def file(self) -> str:
        """The model."""
        return f"{self.name}.onnx"


class ProbeIndex(Record):
    """`probes.json`: everything in the zip, simple blocks before those that build on them."""

    schema_version: int = Field(default=1, ge=1, le=1)
    probes: List[Probe]
    networks: List[ReferenceNetwork]


class ProbeFile:
    """An open zip of probes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.index = ProbeIndex.model_validate(json.loads(archive.read(INDEX)))

    def model(self, name: str) -> bytes:
        """Return one ONNX file."""
        return self._archive.read(name)


@contextmanager
def open_probes(path: Path = SHIPPED) -> Iterator[ProbeFile]:
    """Open the probes.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        archive = zipfile.ZipFile(str(path))
        probes = ProbeFile(archive)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(
            f"{path} does not hold the probe models ({error}); install the program again"
        ) from error
    with archive:
        yield probes
