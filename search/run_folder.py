"""The folder of a run: its recipe, event log, checkpoints, result; one process at a time.

Source: design.md, "Run folder".
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inspector.console import Console
from inspector.errors import InputError, RunError
from inspector.output_file import write_file
from search.nets.detector import Detector, build_detector
from search.nets.spec import NetworkSpec
from search.recipe import Recipe, parse_recipe
from search.training.checkpoint import load_checkpoint

RESULT_SCHEMA = 1
_WITHOUT_EFFECT = (
    "workers",
    "candidate_workers",
    "ray_address",
    "cache_mb",
    "checkpoint_steps",
    "log_steps",
)


@dataclass(frozen=True)
class RunFolder:
    """Where everything of a run lies."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def lock(self) -> Path:
        return self.path / "run.lock"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def weights(self) -> Path:
        return self.checkpoint("final")

    def checkpoint(self, name: str) -> Path:
        return self.path / "checkpoints" / f"{name}.pt"

    @contextmanager
    def claimed(self, recipe: Recipe) -> Iterator[None]:
        """Hold the folder for this process and this recipe; a fresh folder gets the recipe written.

        A fresh folder is gone again where the input is refused before there is a checkpoint, so that the
        same command works once the recipe or the data are mended.

        Raises:
            RunError: another process works in it, or it was begun with another recipe.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise RunError(
                f"{self.path} cannot be a run folder: a file is in its place; choose another"
            ) from error
        with self.lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError(f"another process is working in {self.path}; wait for it to end") from error
            is_fresh = not self.recipe.exists()
            self._keep_recipe(recipe)
            try:
                yield
            except InputError:
                if is_fresh:
                    self._remove_without_checkpoint()
                raise

    def finished_result(self, console: Console, write_report: Callable[[], object]) -> dict[str, Any] | None:
        """Return the result of a run that is finished already, which is said; None where there is none.

        Args:
            write_report: Is called where the run was killed between its result and its report.
        """
        if not self.result.exists():
            return None
        console.say(f"{self.path} is finished already")
        result: dict[str, Any] = json.loads(self.result.read_text())
        if not self.report.exists():
            write_report()
        return result

    def _remove_without_checkpoint(self) -> None:
        folder = self.path / "checkpoints"
        if folder.exists():
            if any(folder.iterdir()):
                return
            folder.rmdir()
        for file in (self.recipe, self.events, self.lock):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # something of the user's lies there
            self.path.rmdir()

    def _keep_recipe(self, recipe: Recipe) -> None:
        if self.recipe.exists():
            self.refuse_other_recipe(recipe)
        else:
            write_file(self.recipe, recipe.as_yaml().encode())

    def refuse_other_recipe(self, recipe: Recipe) -> None:
        """Raise RunError where the folder, which is no fresh one, was begun with another recipe."""
        begun = _with_new_keys(yaml.safe_load(self.recipe.read_text()))
        now = yaml.safe_load(recipe.as_yaml())
        for key in _WITHOUT_EFFECT:  # the run ends the same whatever they are
            begun["compute"].pop(key, None)
            now["compute"].pop(key, None)
        changed = _first_difference(begun, now, "")
        if changed:
            raise RunError(
                f"{self.path} was begun with another recipe ({changed}); "
                "use another --run folder, or the old recipe"
            )


@dataclass(frozen=True)
class RunResult:
    """What result.json says, checked only for being there and of this schema."""

    state: str
    space: str
    genes: str
    network: NetworkSpec
    size_hw: tuple[int, int]
    params: int
    size_mb: float
    macs_g: float
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    seed: int
    data: dict[str, Any]
    provenance: dict[str, Any]


def load_result(run: Path) -> RunResult:
    """Read a run's result.

    Raises:
        RunError: no run, a run that is not finished, or a damaged result.
    """
    folder = RunFolder(run)
    if not folder.result.exists():
        why = (
            "is not finished; continue it with the same search command"
            if folder.recipe.exists()
            else "is no run"
        )
        raise RunError(f"{run} {why}: it has no result.json")
    try:
        record = json.loads(folder.result.read_text())
        return RunResult(
            state=record["state"],
            space=record["genes"]["space"],
            genes=record["genes"]["digits"],
            network=NetworkSpec.from_dict(record["network"]),
            size_hw=tuple(record["size_hw"]),
            params=record["params"],
            size_mb=record["size_mb"],
            macs_g=record["macs_g"],
            metrics=record["metrics"],
            recipe=record["recipe"],
            seed=record["seed"],
            data=record["data"],
            provenance=record["provenance"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder.result} is damaged ({type(error).__name__}: {error}); run the search again"
        ) from error


def load_network(run: Path) -> Detector:
    """Return the trained network of a finished run, in evaluation mode on the CPU; errors: `load_result`."""
    result = load_result(run)
    weights = load_checkpoint(RunFolder(run).weights)
    if weights is None:
        raise RunError(f"{run} has no checkpoints/final.pt; run the search again")
    net = build_detector(result.network)
    net.load_state_dict(weights["net"])
    return net.eval()


def _with_new_keys(record: dict[str, Any]) -> dict[str, Any]:
    """Add keys that recipes have got since `record` was written: their defaults are what it ran with."""
    try:
        return parse_recipe(record).model_dump(mode="json")
    except InputError:  # it has keys that are no more: the difference will name them
        return record


def _first_difference(a: Any, b: Any, where: str) -> str:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            found = _first_difference(a.get(key), b.get(key), f"{where}.{key}" if where else key)
            if found:
                return found
        return ""
    return "" if a == b else f"{where} was {a!r}, now {b!r}"
