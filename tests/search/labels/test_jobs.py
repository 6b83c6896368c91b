"""Pieces of a check: kept, never computed twice, the same on a cluster. Ray is stood in for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.console import Console
from search.labels.jobs import IN_FLIGHT_A_DEVICE, Piece, PieceError, Workers, compute
from search.labels.kept import Arrays, Kept

CONSOLE = Console(json_output=True)


class RayError(Exception):
    """Stands in for ray.exceptions.RayError."""


@dataclass
class FakeRay:
    """Runs what is asked for at once, and counts what is under way."""

    fails: bool = False
    under_way: int = 0
    most_under_way: int = 0
    results: dict[int, Callable[[], Any]] = field(default_factory=dict)

    class exceptions:  # noqa: N801 - the name of the module
        RayError = RayError

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, run: Callable[..., Any]) -> Any:
        ray = self

        class Remote:
            def options(self, **_: Any) -> Remote:
                return self

            def remote(self, work: Callable[[], Any]) -> int:
                ray.under_way += 1
                ray.most_under_way = max(ray.most_under_way, ray.under_way)
                ray.results[len(ray.results)] = partial(run, work)
                return len(ray.results) - 1

        return Remote()

    def wait(self, under_way: list[int], *, num_returns: int) -> tuple[list[int], list[int]]:
        return under_way[-num_returns:], under_way[:-num_returns]

    def get(self, number: int) -> Any:
        self.under_way -= 1
        if self.fails:
            raise RayError("the worker\ndied")
        return self.results[number]()


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def square(number: int, calls: list[int]) -> Arrays:
    calls.append(number)
    return {"square": np.array([number * number])}


def squares(calls: list[int], *, num: int = 9) -> list[Piece]:
    return [Piece(f"square-{i}", partial(square, i, calls)) for i in range(num)]


def values(kept: Kept, num: int = 9) -> list[int]:
    found = [kept.load(f"square-{i}") for i in range(num)]
    return [int(arrays["square"][0]) for arrays in found if arrays is not None]


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    kept, calls = Kept(tmp_path), list[int]()
    compute(squares(calls, num=4), kept, Workers(), title="squares", console=CONSOLE)
    compute(squares(calls), kept, Workers(), title="squares", console=CONSOLE)
    assert calls == list(range(9))
    assert values(kept) == [i * i for i in range(9)]


def test_a_damaged_piece_is_computed_again(tmp_path: Path) -> None:
    kept, calls = Kept(tmp_path), list[int]()
    compute(squares(calls), kept, Workers(), title="squares", console=CONSOLE)
    (tmp_path / "square-3.npz").write_bytes(b"PK cut off")
    compute(squares(calls), kept, Workers(), title="squares", console=CONSOLE)
    assert calls[9:] == [3]


def test_a_cluster_gives_the_same_and_few_pieces_are_under_way(ray: FakeRay, tmp_path: Path) -> None:
    here, there = Kept(tmp_path / "here"), Kept(tmp_path / "there")
    compute(squares([]), here, Workers(), title="squares", console=CONSOLE)
    compute(squares([]), there, Workers("10.0.0.5:6379"), title="squares", console=CONSOLE)
    assert values(here) == values(there)
    assert ray.most_under_way == 2 * IN_FLIGHT_A_DEVICE


def test_a_piece_that_fails_there_is_one_sentence_and_the_rest_is_kept(ray: FakeRay, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    compute(squares([], num=3), kept, Workers(), title="squares", console=CONSOLE)
    ray.fails = True
    with pytest.raises(PieceError, match=r"failed on the cluster \(died\); what is done is kept"):
        compute(squares([]), kept, Workers("10.0.0.5:6379"), title="squares", console=CONSOLE)
    assert len(values(kept)) == 3
