"""Wrong classes put into NEU's six steel defects: how many the check finds, and what accepting them is worth.

A quarter of the photos, with their true labels, is kept apart for the accuracy. `alone` is cleanlab without
the rest: out-of-fold probabilities of one seed, trained with the cross entropy and not calibrated, and its
default filter, as its tutorials use it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from inspector.console import Console
from inspector.image_file import read_frame
from search.labels.class_check import ClassCheckSettings, OutOfFold, out_of_fold
from search.labels.class_proposals import judge_labels
from search.labels.classifier import ClassifierSettings, train_and_predict
from search.labels.confident import confident_learning
from search.labels.jobs import Workers
from search.labels.kept import Kept
from search.labels.labelled import open_labelled
from search.labels.noise import corrupt, symmetric_noise
from search.labels.wavelets import features_of

Labels = npt.NDArray[np.int64]
TEST_SHARE = 4  # one photo of so many


@dataclass(frozen=True)
class Photos:
    """Features (N, F), true classes (N,), and which photos are kept apart for the accuracy."""

    features: npt.NDArray[np.float32]
    labels: Labels
    is_test: npt.NDArray[np.bool_]

    @property
    def num_classes(self) -> int:
        return int(self.labels.max()) + 1


def load_photos(root: Path, kept: Kept) -> Photos:
    """Read the photos and their features; the features are kept."""
    images = open_labelled(root).images
    labels = np.unique([image.label for image in images], return_inverse=True)[1].astype(np.int64)
    arrays = kept.load("features")
    if arrays is None:
        arrays = {"features": np.concatenate([features_of([read_frame(image.path)]) for image in images])}
        kept.save("features", arrays)
    is_test = np.random.default_rng(0).permutation(len(images)) % TEST_SHARE == 0
    return Photos(np.asarray(arrays["features"], np.float32), labels, is_test)


def measure_classes(photos: Photos, *, eta: float, seed: int, settings: ClassCheckSettings) -> dict[str, Any]:
    """Put noise into the labels, clean them with RLL and with CCE, and return all figures."""
    train = ~photos.is_test
    true = photos.labels[train]
    given = corrupt(true, symmetric_noise(photos.num_classes, eta=eta), np.random.default_rng(seed))
    row: dict[str, Any] = {"eta": eta, "seed": seed, "wrong": int((given != true).sum()), "labels": len(true)}
    for loss in ("rll", "cce"):
        chosen = replace(settings, classifier=replace(settings.classifier, loss=loss))
        found = _out_of_fold(photos.features[train], given, chosen)
        verdict = judge_labels(found.logits, given, min_margin=chosen.min_margin)
        cleaned = given.copy()
        for one in verdict.suspicions:
            cleaned[one.index] = one.proposed
        row |= {f"{loss}_{key}": value for key, value in _found(cleaned != given, given, true).items()}
        row[f"{loss}_repaired_right"] = _share((cleaned == true) & (cleaned != given), cleaned != given)
        row[f"{loss}_estimated_noise"] = verdict.confident.noise_rate
        for name, labels in (("noisy", given), ("cleaned", cleaned), ("clean", true)):
            row[f"{loss}_accuracy_{name}"] = _accuracy(photos, labels, chosen.classifier)
        if loss == "cce":
            row |= _alone(photos, found, given, true, chosen.classifier)
    return row


def _out_of_fold(features: npt.NDArray[np.float32], given: Labels, settings: ClassCheckSettings) -> OutOfFold:
    groups = [str(i) for i in range(len(given))]
    with tempfile.TemporaryDirectory() as folder:
        return out_of_fold(
            features,
            given,
            groups,
            settings,
            Kept(Path(folder)),
            Workers(),
            console=Console(json_output=True),
        )


def _alone(
    photos: Photos, found: OutOfFold, given: Labels, true: Labels, settings: ClassifierSettings
) -> dict[str, Any]:
    probabilities = softmax(found.logits[0].astype(np.float64), axis=1)
    issue = confident_learning(given, probabilities, filter_by="prune_by_noise_rate").issue
    cleaned = np.where(issue, probabilities.argmax(axis=1), given)
    row = {f"alone_{key}": value for key, value in _found(issue, given, true).items()}
    row["alone_accuracy_cleaned"] = _accuracy(photos, cleaned, settings)
    return row


def _found(flagged: npt.NDArray[np.bool_], given: Labels, true: Labels) -> dict[str, float]:
    wrong = given != true
    return {"precision": _share(flagged & wrong, flagged), "recall": _share(flagged & wrong, wrong)}


def _share(some: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> float:
    return float(some.sum() / max(1, of.sum()))


def _accuracy(photos: Photos, labels: Labels, settings: ClassifierSettings) -> float:
    """Train on labels of the photos that are not kept apart and return the accuracy on the others."""
    train, test = photos.features[~photos.is_test], photos.features[photos.is_test]
    logits = train_and_predict(train, labels, test, settings, num_classes=photos.num_classes, seed=100)
    return float((logits.argmax(axis=1) == photos.labels[photos.is_test]).mean())
