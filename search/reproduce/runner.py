"""Runs a table row by row: what is finished is never run again, whatever happens in between.

Source: design.md, verb `reproduce` and "Run folder".

The folder of a run holds `options.json`, `rows/KEY-SEED.json` for each finished row and seed,
`work/KEY-SEED/` for what a row keeps to go on after a kill, and `table.md`, `table.json`, `plot.png`, written
again after each.
"""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspector.console import Console
from inspector.errors import InputError, InspectorError, RunError
from inspector.output_file import write_file
from search.machine import machine
from search.reproduce.experiment import Experiment, Options, Row
from search.reproduce.table import Measured, Table

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Reproduction:
    """One experiment with its options in its folder."""

    experiment: Experiment
    options: Options
    folder: Path
    command: str
    console: Console

    def run(self, only: Sequence[str] = ()) -> Table:
        """Run every row and seed that is not finished yet, all rows of one seed before the next seed.

        A row that fails is noted, the others go on, and the next call tries it again.

        Args:
            only: Keys of the rows to run; none: all.

        Raises:
            InputError: an unknown key in `only`, or options that the experiment cannot meet.
            RunError: the folder was begun with other options, or another process works in it.
        """
        rows = self._rows()
        chosen = _chosen(rows, only)
        with self._claimed():
            todo = [
                (row, seed)
                for seed in self.options.seeds
                for row in chosen
                if not self._result_file(row, seed).exists()
            ]
            failed: list[Measured] = []
            table = self._write_table(rows, failed)
            with self.console.progress(len(todo), self.experiment.name) as advance:
                for row, seed in todo:
                    advance(0, note=f"{row.key}, seed {seed}")
                    error = self._run_one(row, seed)
                    if error is not None:
                        failed.append(error)
                    table = self._write_table(rows, failed)
                    advance(1)
        return table

    def _rows(self) -> list[Row]:
        rows = list(self.experiment.rows(self.options))
        keys = [row.key for row in rows]
        bad = [key for key in keys if not _KEY.fullmatch(key) or keys.count(key) > 1]
        if bad:
            raise ValueError(f"{self.experiment.name}: row keys must be plain and unique, not {bad}")
        return rows

    def _run_one(self, row: Row, seed: int) -> Measured | None:
        work = self.folder / "work" / f"{row.key}-{seed}"
        work.mkdir(parents=True, exist_ok=True)
        started_s = time.perf_counter()
        before_s = _spent_s(work)
        try:
            figures = self.experiment.measure(
                row, seed, folder=work, options=self.options, console=self.console
            )
        except InspectorError as error:
            self.console.warn(f"{row.key}, seed {seed}: {error}")
            return Measured(row.key, seed, {}, time.perf_counter() - started_s, machine(), str(error))
        finally:
            _add_spent(work, before_s + time.perf_counter() - started_s)
        seconds = _spent_s(work)
        record = {"figures": dict(figures), "seconds": seconds, "machine": machine()}
        text = json.dumps({"row": row.key, "seed": seed, **record}, indent=1, allow_nan=False)
        write_file(self._result_file(row, seed), text.encode())
        return None

    def _write_table(self, rows: Sequence[Row], failed: Sequence[Measured]) -> Table:
        measured = [found for row in rows for seed in self.options.seeds if (found := self._read(row, seed))]
        experiment = self.experiment
        table = Table(
            name=experiment.name,
            title=experiment.title,
            source=experiment.source,
            command=self.command,
            rows=rows,
            seeds=self.options.seeds,
            figures=experiment.figures,
            measured=[*measured, *failed],
            notes=tuple(experiment.notes(self.options)),
        )
        write_file(self.folder / "table.md", table.markdown().encode())
        write_file(
            self.folder / "table.json", json.dumps(table.as_dict(), indent=1, allow_nan=False).encode()
        )
        experiment.plot(table, self.folder / "plot.png")
        return table

    def _read(self, row: Row, seed: int) -> Measured | None:
        file = self._result_file(row, seed)
        if not row.runs or not file.exists():
            return None
        try:
            return Measured(**json.loads(file.read_text()))
        except (ValueError, TypeError) as error:
            raise RunError(f"{file} is damaged ({error}); remove it and that row is run again") from error

    def _result_file(self, row: Row, seed: int) -> Path:
        return self.folder / "rows" / f"{row.key}-{seed}.json"

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise RunError(f"{self.folder} cannot be a run folder: a file is in its place") from error
        with (self.folder / "run.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError(f"another process is working in {self.folder}; wait for it to end") from error
            self._keep_options()
            yield

    def _keep_options(self) -> None:
        """Rows of two budgets or presets must never stand in one table; more seeds may join."""
        file = self.folder / "options.json"
        options = replace(self.options, seeds=())
        now: dict[str, Any] = {
            "experiment": self.experiment.name,
            "preset": options.preset,
            "budget_s": options.budget_s,
            "data": None if options.data is None else str(options.data.resolve()),
        }
        if not file.exists():
            write_file(file, json.dumps(now, indent=1).encode())
            return
        begun = json.loads(file.read_text())
        for key, value in now.items():
            if begun.get(key) != value:
                raise RunError(
                    f"{self.folder} was begun with {key} {begun.get(key)!r}, now {value!r}; "
                    "use another --run folder, or the old options"
                )


def _chosen(rows: Sequence[Row], only: Sequence[str]) -> list[Row]:
    unknown = sorted(set(only) - {row.key for row in rows})
    if unknown:
        keys = ", ".join(row.key for row in rows)
        raise InputError(f"there is no row {', '.join(unknown)}; the rows are {keys}")
    return [row for row in rows if row.runs and (not only or row.key in only)]


def _spent_s(work: Path) -> float:
    file = work / "seconds"
    return float(file.read_text()) if file.exists() else 0.0


def _add_spent(work: Path, seconds: float) -> None:
    write_file(work / "seconds", f"{seconds:.3f}".encode())
