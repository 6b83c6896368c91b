"""The images of chapter 2 with their wrong labels: clean or noisy in the training and the validation part.

Source: [D] Sec. 2.4.1: a tenth of what is not tested validates; test labels are always clean. Noise is drawn
for all before they are split, as in the published code.
Differs from the source: CIFAR-10 with the super-classes vehicle and animal stands in for CIFAR-100 where that
is missing.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inspector.errors import DatasetError
from search.labels.noise import Labels, NoiseMatrix, corrupt, hierarchical_noise, symmetric_noise
from search.nasb.cifar10 import TrainAndTest, load_all, load_small
from search.streams import Purpose, stream
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation, split_off

Kind = Literal["symmetric", "hierarchical"]
Part = Literal["train", "valid"]
VALIDATION_SHARE = 0.1
# airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck: vehicle 0, animal 1
CIFAR10_SUPERCLASSES = (0, 0, 1, 1, 1, 1, 1, 1, 0, 0)
NUM_FINE = 100  # classes of CIFAR-100
CIFAR100_FOLDER = "cifar-100-python"


@dataclass(frozen=True)
class Noise:
    """How labels are wrong.

    Args:
        parts: Where they are; nowhere: clean.
    """

    kind: Kind
    eta: float
    parts: frozenset[Part] = frozenset(("train", "valid"))

    def matrix(self, superclasses: tuple[int, ...]) -> NoiseMatrix:
        if self.kind == "hierarchical":
            return hierarchical_noise(superclasses, eta=self.eta)
        return symmetric_noise(len(superclasses), eta=self.eta)

    def only(self, *parts: Part) -> Noise:
        """Return the same noise in these parts alone."""
        return replace(self, parts=frozenset(parts))


@dataclass(frozen=True)
class Images:
    """A data set with clean labels, and the super-class of each of its classes."""

    train: LabelledImages
    test: LabelledImages
    superclasses: tuple[int, ...]


@dataclass(frozen=True)
class Parts:
    """What learns and validates, with the labels that are given, and what tests, with clean ones."""

    train: LabelledImages
    valid: LabelledImages
    test: LabelledImages

    @property
    def num_classes(self) -> int:
        return self.train.num_classes

    def feed(
        self, part: LabelledImages, *, batch_size: int, seed: int, training: bool, cutout_px: int = 0
    ) -> ImageFeed:
        """Return batches of a part, normalised like the training part.

        Args:
            training: Crop, flip and cut out at random.
        """
        mean, deviation = normalisation(self.train.images)
        return ImageFeed(
            part,
            mean,
            deviation,
            batch_size,
            seed=seed,
            augment=training,
            cutout_px=cutout_px if training else 0,
        )


def make_parts(images: Images, noise: Noise, *, seed: int) -> Parts:
    """Split and give wrong labels; split and noise depend on the seed, not on the parts that are noisy."""
    rng = stream(Purpose.LABEL_NOISE, seed=seed, number=0)
    clean = images.train.labels
    noisy = corrupt(clean, noise.matrix(images.superclasses), rng)
    learns, validates = split_off(len(images.train), share=VALIDATION_SHARE, rng=rng)

    def part(name: Part, index: Labels) -> LabelledImages:
        given = noisy if name in noise.parts else clean
        return images.train.relabelled(given).part(index)

    return Parts(part("train", learns), part("valid", validates), images.test)


def load_cifar10(data: Path, *, whole: bool, limit: int | None = None) -> Images:
    """Read CIFAR-10, or the 6,000 images of it in `data`/cifar10_small.

    Args:
        limit: Keep so many training images, and half as many to test, alike for all classes.

    Raises:
        DatasetError: they are not in `data`.
    """
    found: TrainAndTest = load_all(data) if whole else load_small(data)
    train, test = found.train, found.test
    if limit is not None:
        train, test = _few(train, limit), _few(test, max(10, limit // 2))
    return Images(train, test, CIFAR10_SUPERCLASSES)


def has_cifar100(data: Path | None) -> bool:
    return data is not None and (data / CIFAR100_FOLDER).is_dir()


def load_cifar100(data: Path) -> Images:
    """Read CIFAR-100 by torchvision's loader from `data`; nothing is downloaded.

    Raises:
        DatasetError: it is not there, or damaged.
    """
    from torchvision.datasets import CIFAR100

    try:
        train, test = (CIFAR100(str(data), train=part, download=False) for part in (True, False))
        with (data / CIFAR100_FOLDER / "train").open("rb") as file:  # its sum was checked by torchvision
            content: Mapping[str, Any] = pickle.load(file, encoding="latin1")
    except (RuntimeError, OSError) as error:
        raise DatasetError(
            f"{data} does not hold CIFAR-100 ({error}); unpack cifar-100-python.tar.gz there"
        ) from error
    superclasses = superclasses_of(content["fine_labels"], content["coarse_labels"])
    learns, tests = (
        LabelledImages(part.data, np.array(part.targets, np.int64), NUM_FINE) for part in (train, test)
    )
    return Images(learns, tests, superclasses)


def superclasses_of(fine: list[int], coarse: list[int]) -> tuple[int, ...]:
    """Return the coarse class of each fine one, which the images of the file tell."""
    found = dict(zip(fine, coarse, strict=True))
    return tuple(found[label] for label in sorted(found))


def _few(images: LabelledImages, num: int) -> LabelledImages:
    order = np.argsort(images.labels, kind="stable")
    places = np.linspace(0, len(order) - 1, min(num, len(order))).round().astype(np.int64)
    return images.part(np.sort(order[places]))
