"""The class losses by name, with the settings of their papers.

Source: search/losses/robust.py; the weights of `sce` are those printed for CIFAR-10.
"""

from __future__ import annotations

import difflib

from inspector.errors import InputError
from search.losses.class_loss import ClassLoss
from search.losses.robust import (
    CrossEntropy,
    GeneralisedCrossEntropy,
    MeanAbsoluteError,
    NormalisedCrossEntropy,
    ReverseCrossEntropy,
    RobustLogLoss,
    TaylorCrossEntropy,
    WeightedPair,
)

CLASS_LOSSES: dict[str, ClassLoss] = {
    "cce": CrossEntropy(),
    "rll": RobustLogLoss(),
    "mae": MeanAbsoluteError(),
    "gce": GeneralisedCrossEntropy(),
    "sce": WeightedPair(CrossEntropy(), ReverseCrossEntropy(), first_weight=0.1),
    "taylor": TaylorCrossEntropy(),
    "nce": NormalisedCrossEntropy(),
    "rce": ReverseCrossEntropy(),
    "nce+mae": WeightedPair(NormalisedCrossEntropy(), MeanAbsoluteError()),
    "nce+rce": WeightedPair(NormalisedCrossEntropy(), ReverseCrossEntropy()),
}


def class_loss(name: str) -> ClassLoss:
    """Return the loss called `name`; another setting is made of its class.

    Raises:
        InputError: there is none; the nearest name is given.
    """
    loss = CLASS_LOSSES.get(name)
    if loss is None:
        near = difflib.get_close_matches(name.lower(), CLASS_LOSSES, n=1, cutoff=0.0)
        hint = f"the nearest is {near[0]}, " if near else ""
        raise InputError(f"there is no loss {name!r}; {hint}all are {', '.join(CLASS_LOSSES)}")
    return loss
