"""kill -9 of the whole server under load: what it acknowledged must be there afterwards, once and whole."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.edge_latency.served import Server, serving
from benchmarks.posting import Acknowledged, Posters
from benchmarks.stored import Audit, audit, photos_of

NUM_CLIENTS = 4
MAX_ANSWERS = 20  # a life of the server ends after 1 to so many answers ...
MAX_DELAY_S = 0.02  # ... and up to so long, so that it ends anywhere


@dataclass
class Killed:
    """What many lives of one server acknowledged; `lost_at_once`: missing at the very next start."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    lost_at_once: list[str] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    num_in_flight: int = 0


def kill_under_load(
    bundle: Path, state: Path, photo: bytes, *, kills: int, seed: int, num_clients: int = NUM_CLIENTS
) -> tuple[Killed, Audit]:
    """Start the server on the same state and kill it, `kills` times; then compare all it has."""
    rng, killed = random.Random(seed), Killed()
    last: list[Acknowledged] = []
    for number in range(kills):
        with serving(bundle, state, threads=1) as server:
            _note_missing(killed, server, last)
            posters = Posters(server.port, photo, num_clients=num_clients, name=f"life-{number}")
            posters.wait_for(rng.randrange(1, MAX_ANSWERS))
            time.sleep(rng.random() * MAX_DELAY_S)
            server.process.kill()
            server.process.wait()
        posters.close()
        last = posters.acknowledged
        killed.acknowledged += last
        killed.num_in_flight += len(posters.broken)
    with serving(bundle, state, threads=1) as server:
        _note_missing(killed, server, last)
        return killed, audit(server, killed.acknowledged)


def _note_missing(killed: Killed, server: Server, last: list[Acknowledged]) -> None:
    killed.ready_s.append(server.ready_s)
    photos = photos_of(server, [one.id for one in last])
    killed.lost_at_once += [one.id for one in last if photos[one.id] != one.digest]
