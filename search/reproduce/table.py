"""A table under way: what has been measured of it, as Markdown for people and as JSON for machines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.reproduce.experiment import Figure, Row, Value

PENDING, FAILED = "pending", "failed"


@dataclass(frozen=True)
class Measured:
    """One row with one seed: its figures, or why it failed."""

    row: str
    seed: int
    figures: Mapping[str, Value]
    seconds: float
    machine: str
    error: str = ""


@dataclass(frozen=True)
class Table:
    """Rows, seeds and whatever has been measured so far."""

    name: str
    title: str
    source: str
    command: str
    rows: Sequence[Row]
    seeds: Sequence[int]
    figures: Sequence[Figure]
    measured: Sequence[Measured]
    notes: Sequence[str] = ()

    def numbers(self, row: Row, figure: Figure) -> list[float]:
        """Return the measured values of one cell, a number a finished seed."""
        values = [entry.figures.get(figure.key) for entry in self.of(row) if not entry.error]
        return [float(value) for value in values if isinstance(value, int | float)]

    def of(self, row: Row) -> list[Measured]:
        """Return what was measured of `row`, in the order of the seeds."""
        found = {entry.seed: entry for entry in self.measured if entry.row == row.key}
        return [found[seed] for seed in self.seeds if seed in found]

    @property
    def num_pending(self) -> int:
        """Rows times seeds that have not been measured yet, failed ones included."""
        expected = sum(row.runs for row in self.rows) * len(self.seeds)
        return expected - sum(not entry.error for row in self.rows if row.runs for entry in self.of(row))

    def markdown(self) -> str:
        """Return the table as Markdown: mean and deviation over the seeds, the published value beside."""
        labels = list(dict.fromkeys(label for row in self.rows for label in row.labels))
        columns = [*labels]
        for figure in self.figures:
            columns.append(figure.heading)
            if self._is_published(figure):
                columns.append(f"{figure.heading}, published")
        lines = [f"# {self.title}", "", f"Source: {self.source}. Measured by `{self.command}`.", ""]
        lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        for row in self.rows:
            cells = [row.labels.get(label, "") for label in labels]
            for figure in self.figures:
                cells.append(self._cell(row, figure))
                if self._is_published(figure):
                    cells.append(row.published.get(figure.key, ""))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join([*lines, *self._footnotes(), ""])

    def as_dict(self) -> dict[str, Any]:
        """Return everything, with all digits, for `table.json`."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "command": self.command,
            "seeds": list(self.seeds),
            "num_pending": self.num_pending,
            "notes": list(self.notes),
            "rows": [self._row_dict(row) for row in self.rows],
        }

    def _row_dict(self, row: Row) -> dict[str, Any]:
        return {
            "key": row.key,
            "labels": dict(row.labels),
            "published": dict(row.published),
            "runs": row.runs,
            "note": row.note,
            "measured": [
                {
                    "seed": entry.seed,
                    "figures": dict(entry.figures),
                    "seconds": entry.seconds,
                    "machine": entry.machine,
                    "error": entry.error,
                }
                for entry in self.of(row)
            ],
        }

    def _is_published(self, figure: Figure) -> bool:
        return any(figure.key in row.published for row in self.rows)

    def _cell(self, row: Row, figure: Figure) -> str:
        if not row.runs:
            return "not run"
        entries = self.of(row)
        whole = [entry for entry in entries if not entry.error]
        if not whole:
            return FAILED if entries else PENDING
        numbers = self.numbers(row, figure)
        words = [str(v) for e in whole if isinstance(v := e.figures.get(figure.key), str)]
        text = ", ".join([*([_spread(numbers, figure.digits)] if numbers else []), *dict.fromkeys(words)])
        missing = len(self.seeds) - len(whole)
        return (text or "none") + (f" ({len(whole)} of {len(self.seeds)} seeds)" if missing else "")

    def _footnotes(self) -> list[str]:
        seeds = ", ".join(str(seed) for seed in self.seeds)
        minutes = sum(entry.seconds for entry in self.measured) / 60
        machines = "; ".join(dict.fromkeys(entry.machine for entry in self.measured))
        lines = [f"Seeds {seeds}; {minutes:.1f} minutes so far." + (f" {machines}." if machines else "")]
        if len(self.seeds) > 1:
            lines[0] += " Mean ± standard deviation over the seeds."
        if self.num_pending:
            lines.append(f"{self.num_pending} of the runs are pending; the same command goes on.")
        lines += [f"{' / '.join(row.labels.values())}: {row.note}" for row in self.rows if row.note]
        lines += [
            f"{entry.row}, seed {entry.seed}, failed: {entry.error}" for entry in self.measured if entry.error
        ]
        return ["", *[f"- {line}" for line in [*lines, *self.notes]]]


def _spread(numbers: Sequence[float], digits: int) -> str:
    """Write a mean, with the sample standard deviation where there is more than one number.

    >>> _spread([0.5, 0.75], 2)
    '0.62 ± 0.18'
    """
    mean = f"{statistics.fmean(numbers):.{digits}f}"
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}" if len(numbers) > 1 else mean
