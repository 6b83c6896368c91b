"""Wrong class labels, made on purpose: from a noise matrix and a generator to labels.

Source: [D] Sec. 2.2 and 2.4.1; the variant `published` is that of the author's code (darts_label_noise).
Differs from the source: [D] prints 1/(1-c) in its matrix B, which must be 1/(c-1); a super-class of one class
keeps its labels.

A noise matrix (c, c) holds, in row i, with which chance the label i is given as each class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inspector.errors import InputError

Labels = npt.NDArray[np.int64]
NoiseMatrix = npt.NDArray[np.float64]


def symmetric_noise(num_classes: int, *, eta: float) -> NoiseMatrix:
    """Return the noise that flips a label with chance `eta`, to each other class alike.

    Raises:
        InputError: fewer than two classes, or `eta` outside 0..1.
    """
    return hierarchical_noise([0] * num_classes, eta=eta)


def published_symmetric_noise(num_classes: int, *, eta: float) -> NoiseMatrix:
    """Return the noise of the published code: with chance `eta` a label is drawn anew, out of all classes.

    The new label is the old one now and then: really flipped are eta (c - 1) / c, 0.54 for 0.6 and c = 10.

    Raises:
        InputError: as in `symmetric_noise`.
    """
    return symmetric_noise(num_classes, eta=eta * (num_classes - 1) / max(1, num_classes))


def hierarchical_noise(superclass_of: Sequence[int], *, eta: float) -> NoiseMatrix:
    """Return the noise that flips a label with chance `eta`, only to classes of its own super-class.

    Args:
        superclass_of: The super-class of each class.

    Raises:
        InputError: fewer than two classes, `eta` outside 0..1, or every super-class of one class alone.
    """
    _check(superclass_of, eta)
    superclass = np.asarray(superclass_of)
    siblings = (superclass[:, None] == superclass[None, :]) & ~np.eye(len(superclass), dtype=bool)
    num_siblings = siblings.sum(axis=1)
    matrix = np.where(siblings, eta / np.maximum(1, num_siblings)[:, None], 0.0)
    np.fill_diagonal(matrix, np.where(num_siblings > 0, 1.0 - eta, 1.0))
    return matrix


def flip_rate(matrix: NoiseMatrix, labels: Labels) -> float:
    """Return the expected share of `labels` that `matrix` flips."""
    return float(1.0 - np.diag(matrix)[labels].mean())


def corrupt(labels: Labels, matrix: NoiseMatrix, rng: np.random.Generator) -> Labels:
    """Return labels drawn from the rows of `matrix`; one random number a label, flipped or not.

    Raises:
        InputError: a label that the matrix has no row for.
    """
    num_classes = len(matrix)
    if len(labels) and not (labels.min() >= 0 and labels.max() < num_classes):
        raise InputError(
            f"labels from {labels.min()} to {labels.max()}, but the noise is of {num_classes} classes; "
            f"number the classes from 0 to {num_classes - 1}"
        )
    ends = np.cumsum(matrix, axis=1)
    ends[:, -1] = 1.0  # whatever rounding made of the sum
    chosen = (rng.random(len(labels))[:, None] >= ends[labels]).sum(axis=1)
    return np.asarray(chosen, np.int64)


def _check(superclass_of: Sequence[int], eta: float) -> None:
    if not 0.0 <= eta <= 1.0:
        raise InputError(f"the noise level is {eta}, but is a chance from 0 to 1")
    if len(superclass_of) < 2:
        raise InputError(f"{len(superclass_of)} class cannot be mistaken for another; give two or more")
    if max(Counter(superclass_of).values()) < 2:
        raise InputError(
            f"each of the {len(superclass_of)} classes is alone in its super-class, so that no label can be "
            "flipped; put two or more into one"
        )
