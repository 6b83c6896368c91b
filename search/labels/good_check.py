"""Good photos that probably show a defect: score maps by networks that have not learnt from the photo.

The photos are dealt into folds by part. For each fold a cell network learns, from the others, to tell drawn
defects from what these photos look like; hidden real defects are a small share of what it takes for good.
Then every photo is scored by the network of its fold, cell by cell. The outermost cells do not count: the
edge of the part and its shadow lie there in every other photo, and drawn defects hardly do.

Own design; how it compares with others: benchmarks/label_cleanup.

Shape letters:  H, W rows, columns of cells
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspector.console import Console
from inspector.data_findings import robust_z
from inspector.errors import DatasetError
from inspector.image_file import read_frame
from search.defects.surface import SurfaceDefects
from search.labels.cell_net import CellNetSettings, Weights, score_cells, train_cells
from search.labels.cells import CELL_PX, WORKING_PX, cell_features, per_cell, working_frame
from search.labels.finding import CONTAMINATED, Finding, mapped, propose, thumbnail
from search.labels.folds import assign_folds
from search.labels.influence import influence_table, rescored_table
from search.labels.jobs import Piece, Workers, compute
from search.labels.kept import Arrays, Kept
from search.labels.looks import chunked, chunks_named
from search.labels.material import Photo
from search.labels.report import Table

DEFECT = "defect"
MIN_SHARE = 0.25  # of a cell that a drawn defect covers, to count as defective
MIN_SPREAD = 0.25  # of the photos' scores, log odds, so that a set of equal photos has no suspects
SIDE = WORKING_PX // CELL_PX
BORDER_CELLS, NUM_HIGHEST = 1, 3

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GoodCheckSettings:
    """num_drawn: photos of each fold that get drawn defects.  cells_a_photo: good, defective ones at most.

    min_z: of a suspicious photo, robust standard deviations of all photos' scores above their median.
    rescore: train again without the suspects, to tell how the scores of the others change.
    """

    num_folds: int = 2
    num_drawn: int = 150
    cells_a_photo: tuple[int, int] = (120, 80)
    min_z: float = 2.0
    rescore: bool = True
    net: CellNetSettings = field(default_factory=CellNetSettings)
    false_reject_budget: float = 0.005
    seed: int = 0


@dataclass(frozen=True)
class ScoredPhotos:
    """Scores (N,) of photos, log odds of the most suspicious place; the maps stay in files `stem`-..."""

    photos: tuple[Photo, ...]
    scores: npt.NDArray[np.float64]
    folds: npt.NDArray[np.int64]
    kept: Kept
    stem: str

    def maps(self) -> Iterator[Array]:
        """Yield the log odds (H, W) of every photo in order; one piece of the file is in memory at a time."""
        for name, chunk in chunks_named(list(chunked(self.photos)), self.stem):
            arrays = self.kept.load(name)
            assert arrays is not None
            for row in range(len(chunk)):
                height, width = arrays["shape"][row]
                yield np.asarray(arrays["odds"][row, :height, :width], np.float32)

    def probability_maps(self) -> Iterator[Array]:
        """Yield the maps as probabilities, all of one size."""
        for odds in self.maps():
            yield np.asarray(cv2.resize(sigmoid(odds), (SIDE, SIDE)), np.float32)


def check_good_photos(
    photos: Sequence[Photo], settings: GoodCheckSettings, kept: Kept, workers: Workers, *, console: Console
) -> tuple[list[Finding], list[Table]]:
    """Return the suspicious ones, the worst first, and what dropping them does to the threshold."""
    scored = score_photos(photos, settings, kept, workers, console=console)
    z = robust_z(scored.scores, min_spread=MIN_SPREAD)
    order = np.argsort(-scored.scores, kind="stable")
    suspects = [int(i) for i in order if z[i] >= settings.min_z]
    wanted, found = set(suspects), {}
    for i, odds in enumerate(scored.maps()):
        if i in wanted:
            found[i] = _finding(scored, i, odds, float(z[i]))
    table = influence_table(
        scored.probability_maps,
        suspects,
        groups=[photo.group for photo in scored.photos],
        false_reject_budget=settings.false_reject_budget,
    )
    tables = [table]
    if suspects and settings.rescore:
        without = score_photos(photos, settings, kept, workers, console=console, left_out=frozenset(suspects))
        tables.append(rescored_table(scored.scores, without.scores, suspects))
    return [found[i] for i in suspects], tables


def score_photos(
    photos: Sequence[Photo],
    settings: GoodCheckSettings,
    kept: Kept,
    workers: Workers,
    *,
    console: Console,
    left_out: frozenset[int] = frozenset(),
) -> ScoredPhotos:
    """Score every photo by a network that has not learnt from its part.

    Args:
        left_out: Photos that no network learns from; they are scored all the same.

    Raises:
        DatasetError: fewer parts than folds.
    """
    groups = [photo.group for photo in photos]
    if len(set(groups)) < 2 * settings.num_folds:
        raise DatasetError(
            f"{len(photos)} good photos of {len(set(groups))} parts are too few to check one part by the "
            "others: "
            f"{2 * settings.num_folds} parts are needed; add photos of good parts"
        )
    folds = assign_folds(["good"] * len(photos), groups, num_folds=settings.num_folds, seed=settings.seed)
    again = "again-" if left_out else ""
    learnt = [(p.path, f) for i, (p, f) in enumerate(zip(photos, folds, strict=True)) if i not in left_out]
    training = [
        Piece(
            f"{again}scorer-{fold}",
            partial(_train, tuple(path for path, f in learnt if f != fold), settings, fold),
        )
        for fold in range(settings.num_folds)
    ]
    compute(training, kept, workers, title="training on drawn defects", console=console)
    weights = [_loaded(kept, piece.name) for piece in training]
    pieces = []
    chunks = list(chunked(photos))
    for (name, chunk), of_chunk in zip(
        chunks_named(chunks, f"{again}maps"), chunked_numbers(folds, chunks), strict=True
    ):
        pieces.append(Piece(name, partial(_score, tuple(one.path for one in chunk), of_chunk, weights)))
    compute(pieces, kept, workers, title="scoring photos", console=console)
    scores = np.concatenate([_loaded(kept, piece.name)["score"] for piece in pieces]).astype(np.float64)
    return ScoredPhotos(tuple(photos), scores, folds, kept, f"{again}maps")


def chunked_numbers(
    folds: npt.NDArray[np.int64], chunks: Sequence[Sequence[Photo]]
) -> Iterator[tuple[int, ...]]:
    """Yield the folds of the photos of each chunk."""
    start = 0
    for chunk in chunks:
        yield tuple(int(fold) for fold in folds[start : start + len(chunk)])
        start += len(chunk)


def image_score(odds: Array) -> float:
    """Return how suspicious a map (H, W) is: the mean of its three highest cells away from the border."""
    highest = np.sort(inside(odds).ravel())[-NUM_HIGHEST:]
    return float(highest.mean())


def inside(odds: Array) -> Array:
    """Return a map without its border; as it is where nothing else would be left."""
    inner = odds[BORDER_CELLS:-BORDER_CELLS, BORDER_CELLS:-BORDER_CELLS]
    return inner if inner.size else odds


def sigmoid(odds: Array) -> Array:
    """Return the probabilities of log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float32)


def _train(paths: Sequence[Path], settings: GoodCheckSettings, fold: int) -> Arrays:
    rng = np.random.default_rng((settings.seed, fold))
    cells: list[Array] = []
    is_defect: list[npt.NDArray[np.bool_]] = []
    chosen = [
        paths[i] for i in rng.choice(len(paths), settings.num_drawn, replace=len(paths) < settings.num_drawn)
    ]
    donor = working_frame(read_frame(chosen[-1]))
    for path in chosen:
        frame = working_frame(read_frame(path))
        fitting = np.asarray(
            cv2.resize(donor, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_AREA), np.uint8
        )
        drawn = SurfaceDefects([fitting])(frame, rng)
        features = cell_features(drawn.frame)
        some, defective = _sample(features, drawn.mask, settings, rng)
        cells.append(some)
        is_defect.append(defective)
        donor = frame
    return train_cells(np.concatenate(cells), np.concatenate(is_defect), settings.net, seed=fold)


def _sample(
    features: Array, mask: npt.NDArray[np.uint8], settings: GoodCheckSettings, rng: np.random.Generator
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Draw cells without a defect and with one; those that it only touches are neither."""
    share = per_cell(mask.astype(np.float32), CELL_PX).mean(axis=(1, 3)).ravel()
    rows = []
    for found, most in zip((share == 0, share > MIN_SHARE), settings.cells_a_photo, strict=True):
        numbers = np.flatnonzero(found)
        rows.append(numbers if len(numbers) <= most else rng.choice(numbers, most, replace=False))
    chosen = np.concatenate(rows)
    return features.reshape(-1, features.shape[-1])[chosen], share[chosen] > MIN_SHARE


def _score(paths: Sequence[Path], folds: Sequence[int], weights: Sequence[Weights]) -> Arrays:
    odds = np.zeros((len(paths), SIDE, SIDE), np.float16)
    shape, score = np.zeros((len(paths), 2), np.int64), np.zeros(len(paths))
    for row, (path, fold) in enumerate(zip(paths, folds, strict=True)):
        one = score_cells(cell_features(working_frame(read_frame(path))), weights[fold])
        height, width = one.shape
        odds[row, :height, :width], shape[row], score[row] = one, (height, width), image_score(one)
    return {"odds": odds, "shape": shape, "score": score}


def _finding(scored: ScoredPhotos, index: int, odds: Array, z: float) -> Finding:
    photo = scored.photos[index]
    frame = read_frame(photo.path)
    median = float(np.median(scored.scores))
    box = suspicious_box(odds)
    proposal = propose(
        CONTAMINATED,
        photo.name,
        given=photo.label,
        proposed=DEFECT,
        score=float(1.0 / (1.0 + np.exp(-scored.scores[index]))),
        margin=float(scored.scores[index] - median),
    )
    left, top, width, height = box
    facts = (
        ("rank", f"{int((scored.scores > scored.scores[index]).sum()) + 1} of {len(scored.scores)}"),
        ("above all", f"{z:.1f} robust deviations"),
        (
            "where",
            f"{(left + width / 2) / 10:.0f} % from the left, {(top + height / 2) / 10:.0f} % from the top",
        ),
    )
    return Finding(proposal, facts, thumbnail(frame), mapped(frame, sigmoid(odds), box=box))


def suspicious_box(odds: Array) -> tuple[int, int, int, int]:
    """Return left, top, width, height, in thousandths of the photo, of the region around the highest cell."""
    height, width = odds.shape
    smooth = cv2.blur(odds, (3, 3), borderType=cv2.BORDER_REFLECT_101)
    peak = np.unravel_index(int(smooth.argmax()), smooth.shape)
    # Down to half of the way from the photo's middle to the peak: what stands out together with it.
    level = 0.5 * (float(smooth[peak]) + float(np.median(smooth)))
    labels = cv2.connectedComponents((smooth >= level).astype(np.uint8), connectivity=8)[1]
    rows, columns = np.nonzero(labels == labels[peak])
    left, right = int(columns.min()), int(columns.max()) + 1
    top, bottom = int(rows.min()), int(rows.max()) + 1
    return (
        round(1000 * left / width),
        round(1000 * top / height),
        round(1000 * (right - left) / width),
        round(1000 * (bottom - top) / height),
    )


def _loaded(kept: Kept, name: str) -> Arrays:
    arrays = kept.load(name)
    assert arrays is not None
    return arrays
