"""Wrong classes: out-of-fold probabilities of several seeds, calibrated, judged, and shown.

Source: facts/search_algorithms.md, section E.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inspector.console import Console
from inspector.image_file import read_frame
from inspector.near_duplicates import first_match, looks_of
from search.labels.class_proposals import ClassVerdict, Suspicion, judge_labels
from search.labels.classifier import ClassifierSettings, train_and_predict
from search.labels.finding import LABEL, Finding, propose, thumbnail
from search.labels.folds import assign_folds
from search.labels.jobs import Piece, Workers, compute
from search.labels.kept import Arrays, Kept
from search.labels.looks import Looks, chunked, chunks_named
from search.labels.material import Photo
from search.labels.report import Table
from search.labels.wavelets import features_of

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ClassCheckSettings:
    """folds, seeds: a network is trained for each of both.  margin, agreement: of a proposal."""

    num_folds: int = 5
    num_seeds: int = 3
    min_margin: float = 0.2
    min_agreement: int = 2
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)


@dataclass(frozen=True)
class OutOfFold:
    """Logits (N, c) of each seed, no photo's by a network that has learnt from its part, and the folds."""

    logits: tuple[npt.NDArray[np.float32], ...]
    folds: tuple[npt.NDArray[np.int64], ...]


def check_class_labels(
    looks: Looks, settings: ClassCheckSettings, kept: Kept, workers: Workers, *, console: Console
) -> tuple[list[Finding], list[Table], ClassVerdict]:
    """Return the doubted labels, the most certain first, and tables for the page."""
    photos = looks.photos
    features = _features(photos, kept, workers, console=console)
    classes, labels = np.unique([photo.label for photo in photos], return_inverse=True)
    groups = groups_by_look(looks)
    found = out_of_fold(features, labels.astype(np.int64), groups, settings, kept, workers, console=console)
    verdict = judge_labels(
        found.logits,
        labels.astype(np.int64),
        min_margin=settings.min_margin,
        min_agreement=settings.min_agreement,
    )
    names = [str(name) for name in classes]
    findings = [_finding(one, photos, names, len(found.logits), found.folds[0]) for one in verdict.suspicions]
    return findings, _tables(verdict, names), verdict


def groups_by_look(looks: Looks) -> list[str]:
    """Return the group of each photo, that of an earlier photo that looks the same: twins share a fold.

    With a twin in the training part a wrong label would be learnt by heart.
    """
    groups = [photo.group for photo in looks.photos]
    match = first_match(looks_of(looks.facts, [str(i) for i in range(len(groups))]))
    parent = {group: group for group in groups}
    for i, twin in enumerate(match):
        if twin >= 0:
            parent[_root(parent, groups[i])] = _root(parent, groups[twin])
    return [_root(parent, group) for group in groups]


def out_of_fold(
    features: Features,
    labels: npt.NDArray[np.int64],
    groups: Sequence[str],
    settings: ClassCheckSettings,
    kept: Kept,
    workers: Workers,
    *,
    console: Console,
) -> OutOfFold:
    """Train a network for each seed and fold and predict the photos that it has not seen."""
    words = [str(label) for label in labels]
    folds = tuple(
        assign_folds(words, groups, num_folds=settings.num_folds, seed=seed)
        for seed in range(settings.num_seeds)
    )
    num_classes = int(labels.max()) + 1
    pieces = [
        Piece(
            f"class-{seed}-{fold}",
            partial(_predict, features, labels, folds[seed] == fold, settings.classifier, num_classes, seed),
        )
        for seed in range(settings.num_seeds)
        for fold in range(settings.num_folds)
    ]
    compute(pieces, kept, workers, title="training networks", console=console)
    logits = [np.zeros((len(labels), num_classes), np.float32) for _ in folds]
    for seed, of_seed in enumerate(folds):
        for fold in range(settings.num_folds):
            arrays = kept.load(f"class-{seed}-{fold}")
            assert arrays is not None
            logits[seed][of_seed == fold] = arrays["logits"]
    return OutOfFold(tuple(logits), folds)


def _predict(
    features: Features,
    labels: npt.NDArray[np.int64],
    held_out: npt.NDArray[np.bool_],
    settings: ClassifierSettings,
    num_classes: int,
    seed: int,
) -> Arrays:
    seen = ~held_out
    logits = train_and_predict(
        features[seen], labels[seen], features[held_out], settings, num_classes=num_classes, seed=seed
    )
    return {"logits": logits}


def _features(photos: Sequence[Photo], kept: Kept, workers: Workers, *, console: Console) -> Features:
    chunks = list(chunked(photos))
    named = list(chunks_named(chunks, "features"))
    pieces = [
        Piece(name, partial(_features_of_files, tuple(one.path for one in chunk))) for name, chunk in named
    ]
    compute(pieces, kept, workers, title="measuring textures", console=console)
    parts = []
    for name, _ in named:
        arrays = kept.load(name)
        assert arrays is not None
        parts.append(np.asarray(arrays["features"], np.float32))
    return np.concatenate(parts)


def _features_of_files(paths: Sequence[Path]) -> Arrays:
    return {"features": np.concatenate([features_of([read_frame(path)]) for path in paths])}


def _finding(
    one: Suspicion,
    photos: Sequence[Photo],
    names: Sequence[str],
    num_seeds: int,
    folds: npt.NDArray[np.int64],
) -> Finding:
    photo = photos[one.index]
    proposal = propose(
        LABEL,
        photo.name,
        given=names[one.given],
        proposed=names[one.proposed],
        score=one.score,
        margin=one.margin,
    )
    facts = (
        ("seeds agree", f"{one.agreement} of {num_seeds}"),
        ("cleanlab", f"{'an issue' if one.is_issue else 'no issue'}, label quality {one.quality:.3f}"),
        ("fold", str(int(folds[one.index]))),
    )
    return Finding(proposal, facts, thumbnail(read_frame(photo.path)))


def _tables(verdict: ClassVerdict, names: Sequence[str]) -> list[Table]:
    joint = verdict.confident.joint
    rows = [(names[i], *(f"{value:.0f}" for value in joint[i])) for i in range(len(names))]
    note = (
        f"Estimated by cleanlab from the out-of-fold probabilities: "
        f"{100 * verdict.confident.noise_rate:.1f} % of the labels are wrong. Rows are given "
        "labels, columns what the photos probably show. "
        f"{verdict.num_below_margin} more labels are doubted below the margin and not proposed."
    )
    return [Table("Given labels against probable ones", ("given", *names), tuple(rows), note)]


def _root(parent: dict[str, str], group: str) -> str:
    while parent[group] != group:
        group = parent[group]
    return group
