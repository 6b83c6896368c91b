"""Finds the results of a filter, newest or oldest first, without reading those that cannot match.

Two ways. When few results share a rare property (decided, shadow disagrees, a narrow range of scores), an
index of just these is read and sorted. Otherwise the roll-up says which groups have anything in which hour,
and only these are looked up, hour by hour, until the page is full: a combination that never occurred costs no
look at results. All of it runs on indexes that hold every filtered column: rows are read for the page alone.
"""

import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from edge_app.store.files import HOUR_MS, hour_of
from edge_app.store.filters import Key, ResultFilter, score_bits
from edge_app.store.records import DECISIONS

FEW = 40_000  # entries of an index that are read in a few ms
MANY_GROUPS = 400  # SQLite takes 999 parameters
DENSE = 5_000  # matching results of an hour, from which reading the hour in order fills a page sooner


class Terms(NamedTuple):
    """Conditions joined by AND, and their parameters."""

    conditions: Tuple[str, ...] = ()
    parameters: Tuple[Any, ...] = ()

    def __add__(self, other: "Terms") -> "Terms":  # type: ignore[override]
        return Terms(self.conditions + other.conditions, self.parameters + other.parameters)

    @property
    def where(self) -> str:
        """The conditions as SQL."""
        return " AND ".join(self.conditions) or "1"


class Span(NamedTuple):
    """From `low_ms` up to, not including, `high_ms`; at the time of `tie` only what is beyond its seq."""

    low_ms: int
    high_ms: int
    tie: Optional[Key]
    newest_first: bool

    def terms(self) -> Terms:
        """Return the span as conditions."""
        terms = Terms(("created_ms >= ?", "created_ms < ?"), (self.low_ms, self.high_ms))
        if self.tie is None:
            return terms
        beyond = "<" if self.newest_first else ">"
        return terms + Terms((f"(created_ms <> ? OR seq {beyond} ?)",), tuple(self.tie))

    def within_hour(self, hour_ms: int) -> "Span":
        """Return the part that lies in an hour."""
        low_ms, high_ms = max(self.low_ms, hour_ms), min(self.high_ms, hour_ms + HOUR_MS)
        return self._replace(low_ms=low_ms, high_ms=high_ms)


def select_keys(
    connection: sqlite3.Connection,
    wanted: ResultFilter,
    *,
    after: Optional[Key] = None,
    limit: int,
    newest_first: bool = True,
) -> List[Key]:
    """Return where the first `limit` matching results beyond `after` stand, in order."""
    span = _span(connection, wanted, after, newest_first)
    if span is None:
        return []
    rare = _rare_index(connection, wanted, span)
    if rare is not None:
        terms = span.terms() + _row_terms(wanted) + _group_terms(wanted)
        return _read(connection, rare, terms, span, limit)
    if _asks_time_alone(wanted):
        return _read(connection, "results_by_time", span.terms() + _row_terms(wanted), span, limit)
    return _read_by_hour(connection, wanted, span, limit)


def group_conditions(
    *,
    sources: Optional[Sequence[str]] = None,
    lot: Optional[str] = None,
    model: Optional[str] = None,
    outcomes: Optional[Sequence[str]] = None,
) -> Terms:
    """Return the conditions on the table `groups`."""
    terms = Terms()
    for column, words in (("source", sources), ("outcome", outcomes)):
        if words is not None:
            terms += Terms((f"{column} IN ({_marks(words)})",), tuple(words))
    for column, word in (("lot", lot), ("model_digest", model)):
        if word is not None:
            terms += Terms((f"{column} = ?",), (word,))
    return terms


def _span(
    connection: sqlite3.Connection, wanted: ResultFilter, after: Optional[Key], newest_first: bool
) -> Optional[Span]:
    """Cut the asked time to what is there and to what lies beyond `after`; None when nothing can be left."""
    oldest, newest = connection.execute(
        "SELECT (SELECT MIN(created_ms) FROM results), (SELECT MAX(created_ms) FROM results)"
    ).fetchone()
    if oldest is None:
        return None
    low_ms = oldest if wanted.from_ms is None else max(oldest, wanted.from_ms)
    high_ms = newest + 1 if wanted.to_ms is None else min(newest + 1, wanted.to_ms)
    if after is not None and newest_first:
        high_ms = min(high_ms, after.created_ms + 1)
    elif after is not None:
        low_ms = max(low_ms, after.created_ms)
    return Span(low_ms, high_ms, after, newest_first) if low_ms < high_ms else None


def _rare_index(connection: sqlite3.Connection, wanted: ResultFilter, span: Span) -> Optional[str]:
    """Return the first index of a property that few results share, or None."""
    candidates = []
    if wanted.decision not in (None, "none"):
        candidates.append(("results_decided", span.terms() + _decision_terms(wanted)))
    if wanted.shadow_disagrees:
        candidates.append(("results_disagreed", span.terms() + _shadow_terms(wanted)))
    if wanted.asks_score:
        candidates.append(("results_by_score", _score_terms(wanted)))
    for index, terms in candidates:
        sql = (
            f"SELECT COUNT(*) FROM (SELECT 1 FROM results INDEXED BY {index} WHERE {terms.where} LIMIT {FEW})"
        )
        if connection.execute(sql, terms.parameters).fetchone()[0] < FEW:
            return index
    return None


def _asks_time_alone(wanted: ResultFilter) -> bool:
    is_plain = not wanted.asks_score and wanted.decision is None and not wanted.shadow_disagrees
    return is_plain and not _conditions(wanted).conditions


def _read(connection: sqlite3.Connection, index: str, terms: Terms, span: Span, limit: int) -> List[Key]:
    order = "DESC" if span.newest_first else "ASC"
    rows = connection.execute(
        f"SELECT created_ms, seq FROM results INDEXED BY {index} WHERE {terms.where} "
        f"ORDER BY created_ms {order}, seq {order} LIMIT ?",
        (*terms.parameters, limit),
    )
    return [Key(*row) for row in rows]


def _read_by_hour(connection: sqlite3.Connection, wanted: ResultFilter, span: Span, limit: int) -> List[Key]:
    keys: List[Key] = []
    for hour_ms, cells in groupby(_cells(connection, wanted, span), key=itemgetter(0)):
        part = span.within_hour(hour_ms)
        index, groups = _way_into_hour(wanted, list(cells))
        terms = groups + part.terms() + _row_terms(wanted)
        keys += _read(connection, index, terms, part, limit - len(keys))
        if len(keys) == limit:
            break
    return keys


def _cells(
    connection: sqlite3.Connection, wanted: ResultFilter, span: Span
) -> Iterable[Tuple[int, int, int]]:
    """Yield (hour, group, number of results) where something can match."""
    terms = Terms(("hour_ms >= ?", "hour_ms < ?"), (hour_of(span.low_ms), span.high_ms)) + _group_terms(
        wanted
    )
    if wanted.asks_score:
        terms += Terms(("score_bits & ? <> 0",), (score_bits(wanted.min_score, wanted.max_score),))
    if wanted.decision == "none":
        terms += Terms(("num > num_decided",))
    elif wanted.decision is not None:
        terms += Terms(("num_decided > 0",))
    order = "DESC" if span.newest_first else "ASC"
    return connection.execute(
        f"SELECT hour_ms, group_id, num FROM rollup WHERE {terms.where} ORDER BY hour_ms {order}",
        terms.parameters,
    )


def _way_into_hour(wanted: ResultFilter, cells: Sequence[Tuple[int, int, int]]) -> Tuple[str, Terms]:
    if len(cells) > MANY_GROUPS or sum(num for _, _, num in cells) > DENSE:
        return "results_by_time", _group_terms(wanted)
    groups = tuple(group_id for _, group_id, _ in cells)
    return "results_by_group", Terms((f"group_id IN ({_marks(groups)})",), groups)


def _row_terms(wanted: ResultFilter) -> Terms:
    return _score_terms(wanted) + _decision_terms(wanted) + _shadow_terms(wanted)


def _score_terms(wanted: ResultFilter) -> Terms:
    terms = Terms()
    if wanted.asks_score:
        terms += Terms(("image_score >= ?",), (-1.0 if wanted.min_score is None else wanted.min_score,))
    if wanted.max_score is not None:
        terms += Terms(("image_score <= ?",), (wanted.max_score,))
    return terms


def _decision_terms(wanted: ResultFilter) -> Terms:
    if wanted.decision is None:
        return Terms()
    if wanted.decision == "none":
        return Terms(("decision = 0",))
    decided = Terms(("decision > 0",))  # in these words, so that SQLite may use the index of decided results
    if wanted.decision == "any":
        return decided
    return decided + Terms(("decision = ?",), (1 + DECISIONS.index(wanted.decision),))


def _shadow_terms(wanted: ResultFilter) -> Terms:
    if wanted.shadow_disagrees is None:
        return Terms()
    return Terms(("disagrees = 1" if wanted.shadow_disagrees else "disagrees = 0",))


def _conditions(wanted: ResultFilter) -> Terms:
    outcomes = None if wanted.outcomes is None else [outcome.value for outcome in wanted.outcomes]
    return group_conditions(sources=wanted.sources, lot=wanted.lot, model=wanted.model, outcomes=outcomes)


def _group_terms(wanted: ResultFilter) -> Terms:
    terms = _conditions(wanted)
    if not terms.conditions:
        return terms
    return Terms((f"group_id IN (SELECT id FROM groups WHERE {terms.where})",), terms.parameters)


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
