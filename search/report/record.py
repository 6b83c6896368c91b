"""What a run folder holds so far, read for the report: recipe, events, result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from inspector.errors import RunError
from search.autodd.pareto import Point, archive
from search.events import Event, EventLog, latest
from search.stages import ONE_SHOT, kind_of

STAGES = ("one_shot", "evolution", "retraining", "evaluation")


@dataclass(frozen=True)
class RunRecord:
    """A run folder in memory; `result` is empty until the run has written one."""

    name: str
    recipe_text: str
    recipe: Mapping[str, Any]
    events: tuple[Event, ...]
    result: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """True when the run has come to its end, measured on real images or without any to measure on."""
        return bool(self.result) and self.result.get("state", "finished") == "finished"

    @property
    def metrics(self) -> Mapping[str, Any]:
        return self.result.get("metrics") or {}

    @property
    def limits(self) -> Mapping[str, Any]:
        """The hard limits that are set, from the result or, before there is one, from the recipe."""
        limits = self.result.get("limits") or self.recipe.get("limits") or {}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @property
    def stages(self) -> dict[str, str]:
        """For each stage 'finished', 'started' or 'not started'."""
        last = {kind_of(event["stage"]): event["state"] for event in self.events if event["kind"] == "stage"}
        return {stage: last.get(stage, "not started") for stage in STAGES}

    @property
    def last_time(self) -> str:
        """When the last event was written (UTC, ISO 8601), or ''."""
        return str(self.events[-1].get("time", "")) if self.events else ""

    @property
    def one_shot_stages(self) -> list[str]:
        """Return the stages in which supernets were trained: one, or one a style of defects."""
        stages = dict.fromkeys(str(event["stage"]) for event in self.events if event["kind"] == "step")
        return [stage for stage in stages if kind_of(stage) == ONE_SHOT]

    def steps(self, stage: str) -> list[Event]:
        """Return the training steps of a stage in order, each once."""
        return _in_order(latest(self.events, "step", ("stage", "step")), stage)

    def events_of(self, kind: str) -> list[Event]:
        """Return all events of one kind, in the order of writing."""
        return [event for event in self.events if event["kind"] == kind]

    def candidates(self) -> list[Event]:
        """Return every evaluated candidate once, in the order of evaluation."""
        return latest(self.events, "candidate", ("genes",))

    @cached_property
    def archive(self) -> list[Point]:
        """The candidates that nothing else beats in fitness and all costs."""
        return archive(self.candidates())

    def num_rejected(self) -> int:
        """Return how many candidates were over a limit and so were never evaluated."""
        generations = latest(self.events, "generation", ("generation",))
        return sum(int(event.get("num_rejected", 0)) for event in generations)


def read_record(run: Path) -> RunRecord:
    """Read a run folder at any moment of its life.

    Raises:
        RunError: there is neither a recipe nor an event log, or one of the files is damaged.
    """
    recipe_path, events_path = run / "recipe.yaml", run / "events.jsonl"
    if not recipe_path.is_file() and not events_path.is_file():
        raise RunError(f"{run} is not a run folder: it holds neither recipe.yaml nor events.jsonl")
    text = _read_text(recipe_path)
    return RunRecord(
        name=run.resolve().name,
        recipe_text=text,
        recipe=_mapping(recipe_path, text, parse=yaml.safe_load),
        events=tuple(EventLog.read(events_path)),
        result=_mapping(run / "result.json", _read_text(run / "result.json"), parse=json.loads),
    )


def series(events: list[Event], x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (x, y) of the events that have both as finite numbers, as two float arrays (N,)."""
    pairs = [(event.get(x), event.get(y)) for event in events]
    numbers = [pair for pair in pairs if all(isinstance(value, (int, float)) for value in pair)]
    points = np.array(numbers, dtype=float).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    return points[:, 0], points[:, 1]


def _in_order(events: list[Event], stage: str) -> list[Event]:
    return sorted((event for event in events if event.get("stage") == stage), key=lambda event: event["step"])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is not a text file; restore it or start a new run folder") from error


def _mapping(path: Path, text: str, *, parse: Any) -> Mapping[str, Any]:
    try:
        content = parse(text) if text.strip() else {}
    except (ValueError, yaml.YAMLError) as error:
        raise RunError(f"{path} is damaged ({error}); restore it or start a new run folder") from error
    if not isinstance(content, dict):
        raise RunError(
            f"{path} holds a {type(content).__name__} instead of named fields; start a new run folder"
        )
    return content
