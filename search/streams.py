"""Independent streams of random numbers, one a purpose, from one seed.

A stream depends on its numbers alone, never on what was drawn before: that is what makes a run resumable and
its samples the same in any number of worker processes.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What the numbers are for; two purposes never share a stream. Values are part of every published run."""

    SAMPLE = 1
    ORDER = 2
    PATH = 3
    EVOLUTION = 4
    CREDIT = 30  # noise and split of the credit data
    TUNING = 31  # the configuration of a trial
    PERTURBATION = 40  # a picture of the robustness suite
    CAMERA = 41  # a training photo seen through a perturbation
    LABEL_NOISE = 50  # wrong class labels, and the split of their images
    PICTURE = 51  # crops and flips of labelled images
    DECISION = 52  # what ENAS' controller samples


def stream(purpose: Purpose, *, seed: int, number: int, second: int = 0) -> np.random.Generator:
    """Return the generator of one thing: of a sample (epoch, index), an order (epoch), a path (step), ...

    The purpose comes last, and is never 0, since NumPy's seeding drops trailing zeros.
    """
    return np.random.default_rng((seed, number, second, int(purpose)))
