"""Compares what was acknowledged, what is stored and what was delivered: each result once, none missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from benchmarks.posting import Acknowledged


@dataclass(frozen=True)
class Row:
    """A stored result; `created` is ISO 8601, UTC, so that texts sort as times do."""

    id: str
    created: str


@dataclass(frozen=True)
class Delivery:
    """A message as it came in, repeats included; a record of a gap has no result."""

    message: str
    result: str | None


@dataclass(frozen=True)
class Wrong:
    """Ids of what is wrong; all lists are empty where nothing is.

    lost: acknowledged, not stored, and not so old that retention removed it: that takes the oldest first.
    doubled: stored or acknowledged under one id more than once.  undelivered: acknowledged or stored, and no
    message came.  delivered_twice: in two messages with ids of their own.  out_of_order: messages that came
    before an earlier one, or whose number is missing.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    delivered_twice: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many there are of each."""
        return {one.name: len(getattr(self, one.name)) for one in fields(self)}


def removed_by_rule(acknowledged: Sequence[Acknowledged], rows: Sequence[Row]) -> set[str]:
    """Return the acknowledged ids that are older than all that is stored."""
    oldest = min((row.created for row in rows), default="9")
    stored = {row.id for row in rows}
    return {one.id for one in acknowledged if one.id not in stored and one.created <= oldest}


def compare(
    acknowledged: Sequence[Acknowledged], rows: Sequence[Row], deliveries: Sequence[Delivery] | None
) -> Wrong:
    """Return what is wrong; `deliveries` is None where there was no broker."""
    stored, known = {row.id for row in rows}, {one.id for one in acknowledged}
    wrong = Wrong(
        lost=sorted(known - stored - removed_by_rule(acknowledged, rows)),
        doubled=_repeated(row.id for row in rows) + _repeated(one.id for one in acknowledged),
    )
    if deliveries is None:
        return wrong
    first = {one.message: one.result for one in reversed(deliveries)}
    results = [result for result in first.values() if result is not None]
    wrong.undelivered.extend(sorted((known | stored) - set(results)))
    wrong.delivered_twice.extend(_repeated(results))
    wrong.out_of_order.extend(_out_of_order(list(dict.fromkeys(one.message for one in deliveries))))
    return wrong


def _out_of_order(messages: Sequence[str]) -> list[str]:
    """Return the messages that are not the next number after the one before; ids end in `:NUMBER`."""
    numbers = [int(message.rpartition(":")[2].partition("-")[0]) for message in messages]
    return [
        message
        for message, number, expected in zip(messages, numbers, range(1, len(numbers) + 1), strict=True)
        if number != expected
    ]


def _repeated(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
