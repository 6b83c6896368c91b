"""A whole run with each way of evaluating candidates: the same end, also when it is killed in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.console import Advance, Console
from search.autodd.run import run_search
from search.events import EventLog, latest
from search.training.checkpoint import load_checkpoint
from tests.search.conftest import tiny_recipe

DROPPING = {"evolution": {"drop": True, "top_k": 1, "validation_images": 16}}


class KilledError(Exception):
    """Stands for a kill."""


class KilledInARound(Console):
    """Dies in the course of the evolution, after so many messages about it."""

    def __init__(self, num_messages: int) -> None:
        super().__init__()
        self._left = num_messages

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        with super().progress(total, what) as advance:

            def counted(*args: Any, **kwargs: Any) -> None:
                advance(*args, **kwargs)
                self._left -= what == "evolution"
                if self._left == 0:
                    raise KilledError("killed")

            yield counted


def genes_and_weights(run: Path) -> tuple[str, dict[str, torch.Tensor]]:
    top = latest(EventLog.read(run / "events.jsonl"), "generation", ["generation"])
    checkpoint = load_checkpoint(run / "checkpoints" / "final.pt")
    assert checkpoint is not None
    return str([event["top"] for event in top]), checkpoint["net"]


def assert_same_end(one: Path, other: Path) -> None:
    (top, weights), (other_top, other_weights) = genes_and_weights(one), genes_and_weights(other)
    assert top == other_top
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)


@pytest.mark.slow
def test_dropping_little_memory_and_a_kill_end_like_a_plain_run(mvtec: Path, tmp_path: Path) -> None:
    whole, dropping = tmp_path / "whole", tmp_path / "dropping"
    keeping = {"evolution": {**DROPPING["evolution"], "drop": False}}
    run_search(tiny_recipe(mvtec, keeping), whole, console=Console())
    with pytest.raises(KilledError, match="killed"):
        run_search(
            tiny_recipe(mvtec, DROPPING), dropping, console=KilledInARound(9)
        )  # in the second generation
    less_memory = {**DROPPING, "compute": {"cache_mb": 0.01}}
    run_search(tiny_recipe(mvtec, less_memory), dropping, console=Console())
    assert_same_end(whole, dropping)


@pytest.mark.slow
def test_random_search_by_auroc_runs_and_says_so(mvtec: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(mvtec, {"evolution": {"searcher": "random", "fitness": "auroc"}})
    result = run_search(recipe, tmp_path / "run", console=Console())
    assert result["recipe"]["evolution"]["searcher"] == "random"
    events = EventLog.read(tmp_path / "run/events.jsonl")
    fitness = [event["fitness"] for event in events if event["kind"] == "candidate"]
    assert len(fitness) == 12
    assert [event["fitness"] for event in events if event["kind"] == "chance"] == [0.5]
    assert max(fitness) > 0.5
