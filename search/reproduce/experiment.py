"""What a table or figure of the dissertation is: rows, the figures measured for each, and one row's run.

Source: design.md, verb `reproduce`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from inspector.console import Console

if TYPE_CHECKING:
    from search.reproduce.table import Table

NOT_READABLE = "not readable"  # the copy of [D] does not show this value: it is never guessed
Value = float | int | str | None


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Args:
        key: Names the row's files: letters, digits, `-`, `_` and `.` only, one of a kind in its table.
        labels: Column heading -> what identifies the row, in the order of the columns.
        published: Key of a figure -> the dissertation's value as it is printed there, or `NOT_READABLE`.
        runs: False for a peer without public code: its row carries the published numbers alone.
        note: Printed under the table.
    """

    key: str
    labels: Mapping[str, str]
    published: Mapping[str, str] = field(default_factory=dict)
    runs: bool = True
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A number that is measured for every row and seed.

    Args:
        digits: After the decimal point in the table; the JSON file keeps every digit.
    """

    key: str
    heading: str
    digits: int = 2


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Args:
        budget_s: Seconds for one row and seed, where an experiment is limited by time; None: its own choice.
        data: Folder of the real data; None where the experiment has data of its own.
    """

    preset: str
    seeds: tuple[int, ...]
    budget_s: float | None = None
    data: Path | None = None


class Experiment(ABC):
    """A table or figure. A subclass says what its rows are and runs one row with one seed."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    figures: ClassVar[tuple[Figure, ...]]
    default_seeds: ClassVar[tuple[int, ...]] = (0,)
    presets: ClassVar[tuple[str, ...]] = ("quick", "cpu", "paper")
    takes_budget: ClassVar[bool] = False
    needs_data: ClassVar[bool] = False

    @abstractmethod
    def rows(self, options: Options) -> Sequence[Row]:
        """Return the rows in the order of the table.

        Raises:
            InputError: the options cannot be met, for example data that is missing.
        """

    @abstractmethod
    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        """Run one row with one seed and return its figures; anything beside them goes to the JSON file.

        `folder` is the row's own. What lies in it is kept when the run is killed, so that it can go on.
        """

    def notes(self, options: Options) -> Sequence[str]:
        """Return sentences that belong under the table: what was run instead of what, and what it shows."""
        return ()

    def plot(self, table: Table, path: Path) -> None:
        """Draw the table's first figure to `path`, a PNG: a dot a seed, a line at their mean."""
        from search.reproduce.plot import dot_plot

        dot_plot(table, path)
