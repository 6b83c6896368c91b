"""Whole parts into folds, every class spread evenly; numbers in, numbers out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Folds = npt.NDArray[np.int64]


def assign_folds(labels: Sequence[str], groups: Sequence[str], *, num_folds: int, seed: int) -> Folds:
    """Return the fold of each image, int64 (N,); all images of a group are in one fold.

    The largest groups are placed first, each into the fold that has least of its classes. The order of groups
    of one size is a hash of seed and name: it depends neither on the order of the images nor on the version
    of a random generator.
    """
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    content = np.zeros((len(names), classes.max(initial=0) + 1), dtype=np.int64)
    np.add.at(content, (group, classes), 1)
    order = sorted(range(len(names)), key=lambda i: (-int(content[i].sum()), _hash(seed, str(names[i]))))
    filled = np.zeros((num_folds, content.shape[1]), dtype=np.int64)
    fold_of = np.zeros(len(names), dtype=np.int64)
    for i in order:
        own = filled @ (content[i] > 0)
        fold_of[i] = np.lexsort((filled.sum(axis=1), own))[0]
        filled[fold_of[i]] += content[i]
    folds: Folds = fold_of[group]
    return folds


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
