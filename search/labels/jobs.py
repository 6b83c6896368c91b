"""Independent pieces of a check, here one after the other or on a Ray cluster, each kept when it is done.

A piece is the same wherever it is computed: a check that was interrupted and goes on elsewhere ends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from inspector.console import Console
from inspector.errors import InspectorError
from search.labels.kept import Arrays, Kept
from search.ray_cluster import connected

IN_FLIGHT_A_DEVICE = 2

T = TypeVar("T")


class PieceError(InspectorError):
    """A piece of the check failed on the cluster."""


@dataclass(frozen=True)
class Piece:
    """A piece of work: the name under which its result is kept, and what computes it, pickled for Ray."""

    name: str
    work: Callable[[], Arrays]


@dataclass(frozen=True)
class Workers:
    """Where pieces run: in this process, or on the cluster at an address."""

    ray_address: str | None = None


def compute(pieces: Sequence[Piece], kept: Kept, workers: Workers, *, title: str, console: Console) -> None:
    """Compute and keep every piece that is not kept yet.

    Raises:
        InputError: no cluster answers at the address.
        PieceError: a piece failed there. Errors of this process are raised as they are.
    """
    missing = [piece for piece in pieces if not kept.has(piece.name) or kept.load(piece.name) is None]
    if not missing:
        return
    with console.progress(len(pieces), title) as advance:
        advance(len(pieces) - len(missing))
        done = _here(missing) if workers.ray_address is None else _on_ray(missing, workers.ray_address)
        for piece, arrays in done:
            kept.save(piece.name, arrays)
            advance(1)


def _here(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Arrays]]:
    for piece in pieces:
        yield piece, piece.work()


def _on_ray(pieces: Sequence[Piece], address: str) -> Iterator[tuple[Piece, Arrays]]:
    """Never more than a few pieces a processor are under way, so that results do not pile up."""
    with connected(address, num_cpus=1) as ray:
        run = ray.remote(_run).options(num_cpus=1, scheduling_strategy="SPREAD")
        room = IN_FLIGHT_A_DEVICE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = list(reversed(pieces))
        under_way: dict[Any, Piece] = {}
        while waiting or under_way:
            while waiting and len(under_way) < room:
                piece = waiting.pop()
                under_way[run.remote(piece.work)] = piece
            ready, _ = ray.wait(list(under_way), num_returns=1)
            yield under_way.pop(ready[0]), _result(ray, ready[0])


def _run(work: Callable[[], T]) -> T:
    import torch

    torch.set_num_threads(1)  # sums split among threads end in other last bits
    return work()


def _result(ray: Any, ready: Any) -> Arrays:
    try:
        arrays: Arrays = ray.get(ready)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise PieceError(
            f"a piece of the check failed on the cluster ({reason}); what is done is kept: the same command "
            "goes on, without --ray-address in this process. All machines need the photos at the same path"
        ) from error
    return arrays
