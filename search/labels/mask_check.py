"""Regions of masks that are probably missing or wrong, by classifiers that have not learnt from the photo.

They are judged by cells of 4 pixels of the photo at 256; outlines are as fine as that.

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
from inspector.errors import DatasetError
from inspector.image_file import read_frame, read_mask
from search.labels.cell_net import CellNetSettings, Weights, score_cells, train_cells
from search.labels.cells import cell_features, per_cell, working_frame
from search.labels.finding import MASK, Finding, mapped, propose, thumbnail
from search.labels.folds import assign_folds
from search.labels.jobs import Piece, Workers, compute
from search.labels.kept import Arrays, Kept
from search.labels.looks import chunked, chunks_named
from search.labels.mask_region import ADD, REMOVE, MaskRegion, region_of
from search.labels.material import Photo
from search.labels.report import Table

CELL_PX = 4
SIDE = 256 // CELL_PX
MASKED_SHARE = 0.5  # of a cell, to learn it as defective
NEAR_CELLS = 2  # what is nearer to a drawn region is its outline, not a missing region
CELLS_A_PHOTO = 400

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MaskCheckSettings:
    """min_score: mean probability of a missing region, and one minus the highest of a wrong one."""

    num_folds: int = 2
    min_score: float = 0.9
    min_cells: int = 4
    net: CellNetSettings = field(default_factory=CellNetSettings)
    seed: int = 0


def check_masks(
    photos: Sequence[Photo], settings: MaskCheckSettings, kept: Kept, workers: Workers, *, console: Console
) -> tuple[list[Finding], list[Table]]:
    """Return doubtful regions, the most certain first; nothing where too few photos have a mask."""
    masked = [photo for photo in photos if photo.mask is not None and _fits(photo)]
    groups = [photo.group for photo in masked]
    if len(set(groups)) < 2 * settings.num_folds:
        return [], []
    folds = assign_folds(
        [photo.label for photo in masked], groups, num_folds=settings.num_folds, seed=settings.seed
    )
    training = [
        Piece(f"mask-net-{fold}", partial(_train, _files(masked, folds != fold), settings, fold))
        for fold in range(settings.num_folds)
    ]
    compute(training, kept, workers, title="learning masks", console=console)
    weights = [_loaded(kept, piece.name) for piece in training]
    chunks = list(chunked(masked))
    start, pieces = 0, []
    for name, chunk in chunks_named(chunks, "mask-maps"):
        of_chunk = folds[start : start + len(chunk)]
        pieces.append(
            Piece(name, partial(_score, tuple(one.path for one in chunk), tuple(of_chunk), weights))
        )
        start += len(chunk)
    compute(pieces, kept, workers, title="scoring masks", console=console)
    findings = [
        one
        for piece, chunk in zip(pieces, chunks, strict=True)
        for one in _judge(kept, piece, chunk, settings)
    ]
    return sorted(findings, key=lambda one: -(one.proposal.score or 0.0)), []


def doubtful_regions(
    probability: Array, mask: npt.NDArray[np.uint8], settings: MaskCheckSettings
) -> Iterator[tuple[MaskRegion, float]]:
    """Yield what a map (H, W) of probabilities doubts in a mask of any size, with its score in 0..1."""
    rows, columns = mask.shape
    drawn = cv2.resize(mask.astype(np.float32), probability.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    brush = np.ones((2 * NEAR_CELLS + 1, 2 * NEAR_CELLS + 1), np.uint8)
    near = cv2.dilate(drawn.astype(np.uint8), brush) > 0
    for cells in _components((probability >= 0.5).astype(np.uint8)):
        score = float(probability[cells].mean())
        if not near[cells].any() and cells.sum() >= settings.min_cells and score >= settings.min_score:
            yield region_of(ADD, _enlarged(cells, (rows, columns))), score
    large = cv2.resize(probability, (columns, rows), interpolation=cv2.INTER_LINEAR)
    for pixels in _components(mask):
        score = 1.0 - float(large[pixels].max())
        if score >= settings.min_score:
            yield region_of(REMOVE, pixels.astype(np.uint8)), score


def _components(mask: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.bool_]]:
    num, labels = cv2.connectedComponents(mask, connectivity=8)
    for number in range(1, num):
        yield labels == number


def _enlarged(cells: npt.NDArray[np.bool_], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(cells.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST))


def _files(photos: Sequence[Photo], chosen: npt.NDArray[np.bool_]) -> tuple[tuple[Path, Path], ...]:
    return tuple((one.path, _mask_path(one)) for one, is_in in zip(photos, chosen, strict=True) if is_in)


def _mask_path(photo: Photo) -> Path:
    assert photo.mask is not None
    root = photo.path.parents[len(Path(photo.name).parts) - 1]
    return root / photo.mask


def _fits(photo: Photo) -> bool:
    """Whether the mask can be read and has the size of its photo; `data info` lists those that do not."""
    try:
        read_mask(_mask_path(photo), shape_hw=read_frame(photo.path).shape[:2])
    except DatasetError:
        return False
    return True


def _train(files: Sequence[tuple[Path, Path]], settings: MaskCheckSettings, fold: int) -> Arrays:
    rng = np.random.default_rng((settings.seed, fold))
    cells, is_defect = [], []
    for path, mask_path in files:
        frame = read_frame(path)
        mask = read_mask(mask_path, shape_hw=frame.shape[:2])
        small = working_frame(frame, cell_px=CELL_PX)
        features = cell_features(small, cell_px=CELL_PX)
        fitting = cv2.resize(mask.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
        share = per_cell(np.asarray(fitting, np.float32), CELL_PX).mean(axis=(1, 3)).ravel()
        for wanted in (share == 0, share > MASKED_SHARE):
            numbers = np.flatnonzero(wanted)
            numbers = rng.permutation(numbers)[:CELLS_A_PHOTO]
            cells.append(features.reshape(-1, features.shape[-1])[numbers])
            is_defect.append(share[numbers] > MASKED_SHARE)
    return train_cells(np.concatenate(cells), np.concatenate(is_defect), settings.net, seed=fold)


def _score(paths: Sequence[Path], folds: Sequence[int], weights: Sequence[Weights]) -> Arrays:
    odds, shape = np.zeros((len(paths), SIDE, SIDE), np.float16), np.zeros((len(paths), 2), np.int64)
    for row, (path, fold) in enumerate(zip(paths, folds, strict=True)):
        features = cell_features(working_frame(read_frame(path), cell_px=CELL_PX), cell_px=CELL_PX)
        one = score_cells(features, weights[fold])
        odds[row, : one.shape[0], : one.shape[1]], shape[row] = one, one.shape
    return {"odds": odds, "shape": shape}


def _judge(
    kept: Kept, piece: Piece, chunk: Sequence[Photo], settings: MaskCheckSettings
) -> Iterator[Finding]:
    arrays = _loaded(kept, piece.name)
    for row, photo in enumerate(chunk):
        height, width = arrays["shape"][row]
        odds = np.asarray(arrays["odds"][row, :height, :width], np.float32)
        probability = np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float32)
        frame = read_frame(photo.path)
        mask = read_mask(_mask_path(photo), shape_hw=frame.shape[:2])
        for region, score in doubtful_regions(probability, mask, settings):
            yield _finding(photo, frame, mask, probability, region, score, settings)


def _finding(
    photo: Photo,
    frame: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.uint8],
    probability: Array,
    region: MaskRegion,
    score: float,
    settings: MaskCheckSettings,
) -> Finding:
    rows, columns = mask.shape
    box = (
        round(1000 * region.left / columns),
        round(1000 * region.top / rows),
        round(1000 * region.pixels.shape[1] / columns),
        round(1000 * region.pixels.shape[0] / rows),
    )
    proposal = propose(
        MASK,
        photo.name,
        given=f"{photo.label}, {int(mask.sum())} px in the mask",
        proposed=region.word(),
        score=score,
        margin=score - settings.min_score,
    )
    what = "a defect that the mask lacks" if region.action == ADD else "no defect where the mask has one"
    facts = (("why", what), ("region", f"{int(region.pixels.sum())} px"))
    outlined = _outlined(frame, mask)
    return Finding(proposal, facts, thumbnail(outlined), mapped(frame, probability, box=box), region.short())


def _outlined(frame: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(max(frame.shape) / 150))
    return np.asarray(cv2.drawContours(frame.copy(), contours, -1, (255, 220, 0), width))


def _loaded(kept: Kept, name: str) -> Arrays:
    arrays = kept.load(name)
    assert arrays is not None
    return arrays
