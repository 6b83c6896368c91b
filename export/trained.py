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

    @property
    def training(self) -> tuple[Sample, ...]:
        """The good images that are neither validation nor calibration."""
        held_out = {sample.name for sample in (*self.validation, *self.calibration)}
        return tuple(sample for sample in self.dataset.train if sample.name not in held_out)
