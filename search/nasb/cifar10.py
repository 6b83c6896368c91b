"""CIFAR-10: the part of it in a data folder, or all of it.

Source: [D] Sec. 3.3.1, Dataset.

Shape letters:  N images
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspector.errors import DatasetError
from search.streams import Purpose, stream
from search.training.labelled_images import LabelledImages

NUM_CLASSES = 10
SMALL_FILE = Path("cifar10_small") / "cifar10_6000.npz"


@dataclass(frozen=True)
class TrainAndTest:
    """What networks learn from, and what they are judged on."""

    train: LabelledImages
    test: LabelledImages


def load_small(data: Path) -> TrainAndTest:
    """Read the 5,000 and 1,000 images of `data`/cifar10_small.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    file = data / SMALL_FILE
    if not file.exists():
        raise DatasetError(f"there is no {file}; --data must name the folder that holds {SMALL_FILE.parent}")
    try:
        with np.load(file) as content:
            train, test = (
                _labelled(content[f"x_{part}"], content[f"y_{part}"]) for part in ("train", "test")
            )
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{file} cannot be read ({error}); copy it again") from error
    return TrainAndTest(train, test)


def load_all(data: Path) -> TrainAndTest:
    """Read the 50,000 and 10,000 images by torchvision's loader from `data`; nothing is downloaded.

    Raises:
        DatasetError: they are not there, or damaged.
    """
    from torchvision.datasets import CIFAR10

    try:
        train, test = (CIFAR10(str(data), train=part, download=False) for part in (True, False))
    except RuntimeError as error:
        raise DatasetError(
            f"{data} does not hold CIFAR-10 ({error}); unpack cifar-10-python.tar.gz there, or choose the "
            "preset cpu"
        ) from error
    return TrainAndTest(
        _labelled(train.data, np.array(train.targets)), _labelled(test.data, np.array(test.targets))
    )


def halves(images: LabelledImages, *, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Return two halves of one size, drawn at random: for the weights, and for the architecture.

    Raises:
        DatasetError: there are fewer than two images.
    """
    half = len(images) // 2
    if not half:
        raise DatasetError(f"{len(images)} image cannot be halved; a search needs two or more")
    order = stream(Purpose.ORDER, seed=seed, number=0, second=1).permutation(len(images))
    return images.part(order[:half]), images.part(order[half : 2 * half])


def _labelled(images: np.ndarray, labels: np.ndarray) -> LabelledImages:
    return LabelledImages(images, labels.astype(np.int64).ravel(), NUM_CLASSES)
