"""Random filters over seven days of a line, and what they must answer."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from benchmarks.history.line import MODELS, OUTCOMES, SOURCES, Line, lot_name
from edge_app.store.filters import ResultFilter
from edge_app.store.policy import DAY_MS
from edge_app.store.records import DECISIONS

T = TypeVar("T")

CHANCE = 0.4  # that a field is asked for
WINDOW_MS = 7 * DAY_MS


def random_filter(rng: np.random.Generator, line: Line) -> ResultFilter:
    """Ask for seven days, and for values that do occur on the line: seldom all together."""
    first, last = int(line.created_ms[0]), int(line.created_ms[-1])
    from_ms = int(rng.integers(first, max(first, last - WINDOW_MS) + 1))
    asks = iter((rng.random(7) < CHANCE).tolist())
    low = float(rng.random())
    width = float(rng.choice([0.3, 0.05, 0.005, 0.0002]))
    asks_score = next(asks)
    return ResultFilter(
        from_ms=from_ms,
        to_ms=from_ms + WINDOW_MS,
        sources=_some(rng, SOURCES) if next(asks) else None,
        lot=lot_name(int(rng.choice(line.lot))) if next(asks) else None,
        outcomes=_some(rng, OUTCOMES) if next(asks) else None,
        model=str(rng.choice(MODELS)) if next(asks) else None,
        min_score=low if asks_score else None,
        max_score=low + width if asks_score else None,
        decision=str(rng.choice([*DECISIONS, "none", "any"])) if next(asks) else None,
        shadow_disagrees=bool(rng.random() < 0.7) if next(asks) else None,
    )


def questions(rng: np.random.Generator, line: Line, num: int) -> list[tuple[ResultFilter, np.ndarray]]:
    """Return `num` filters with the indices that match; half of them match nothing."""
    found: dict[bool, list[tuple[ResultFilter, np.ndarray]]] = {True: [], False: []}
    while min(map(len, found.values())) < num // 2:
        wanted = random_filter(rng, line)
        matching = matches(line, wanted)
        half = found[matching.size > 0]
        if len(half) < num // 2:
            half.append((wanted, matching))
    return [*found[True], *found[False]]


def matches(line: Line, wanted: ResultFilter) -> np.ndarray:
    """Return the indices of matching results by plain comparison, oldest first."""
    mask = (line.created_ms >= wanted.from_ms) & (line.created_ms < wanted.to_ms)
    for part in _conditions(line, wanted):
        mask &= part
    return np.flatnonzero(mask)


def _conditions(line: Line, wanted: ResultFilter) -> Iterator[np.ndarray]:
    if wanted.sources is not None:
        yield np.isin(line.source, [SOURCES.index(word) for word in wanted.sources])
    if wanted.lot is not None:
        yield line.lot == int(wanted.lot.rpartition("-")[2])
    if wanted.outcomes is not None:
        yield np.isin(line.outcome, [OUTCOMES.index(word) for word in wanted.outcomes])
    if wanted.model is not None:
        yield line.model == MODELS.index(wanted.model)
    if wanted.min_score is not None and wanted.max_score is not None:
        yield (line.score >= wanted.min_score) & (line.score <= wanted.max_score)
    if wanted.decision in ("none", "any"):
        yield (line.decision > 0) == (wanted.decision == "any")
    elif wanted.decision is not None:
        yield line.decision == 1 + DECISIONS.index(wanted.decision)
    if wanted.shadow_disagrees is not None:
        yield line.disagrees == wanted.shadow_disagrees


def _some(rng: np.random.Generator, values: Sequence[T]) -> tuple[T, ...]:
    chosen = rng.permutation(len(values))[: int(rng.integers(1, 3))]
    return tuple(values[index] for index in chosen)
