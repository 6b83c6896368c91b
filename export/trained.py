"""What export needs of a training: the network, where it comes from, and the images that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspector.dataset import Dataset, Sample
from search.nets.detector import Detector
from search.nets.spec import NetworkSpec


@dataclass(frozen=True)
class Trained:
    """A trained network and its data set.

    detector: in eval mode.  space: the name that gives the genes a meaning.
    digits: the genes, where the space has more of them than the segmenter has nodes.
    calibration: good images that no training has seen.  fingerprint: of the whole data set.
    validation: good images that chose the network; it was then trained on them as well.
    """

    name: str
    detector: Detector
    spec: NetworkSpec
    space: str
    size_hw: tuple[int, int]
    recipe: dict[str, Any]
    seed: int
    dataset: Dataset
    calibration: tuple[Sample, ...]
    fingerprint: str
    code_version: str
    validation: tuple[Sample, ...] = ()
    digits: str | None = None

    @property
    def genes(self) -> str:
        """The genes as digits of the space; empty for a family without genes."""
        return self.spec.digits if self.digits is None else self.digits

    @property
    def training(self) -> tuple[Sample, ...]:
        """The good images that are neither validation nor calibration."""
        held_out = {sample.name for sample in (*self.validation, *self.calibration)}
        return tuple(sample for sample in self.dataset.train if sample.name not in held_out)
