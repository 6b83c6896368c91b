"""What a server has stored, held against what it acknowledged."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.edge_latency.served import Server
from benchmarks.posting import Acknowledged, digest_of

INSPECTIONS = "/api/v1/inspections"


@dataclass(frozen=True)
class Audit:
    """What is wrong with a store; all lists are empty where nothing is.

    lost: acknowledged ids without a row.  doubled: ids with more than one.  damaged: ids whose photo is not
    the one that was sent.  twice: photos that were sent once and are stored under two ids.
    """

    num_stored: int
    num_acknowledged: int
    lost: list[str]
    doubled: list[str]
    damaged: list[str]
    twice: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.damaged or self.twice)


def audit(server: Server, acknowledged: Sequence[Acknowledged]) -> Audit:
    """Read every row and every photo that the server has, and compare."""
    stored = [row["id"] for row in rows(server)]
    photos = photos_of(server, stored)
    sent = {one.id: one.digest for one in acknowledged}
    return Audit(
        num_stored=len(stored),
        num_acknowledged=len(acknowledged),
        lost=sorted(set(sent) - set(stored)),
        doubled=_repeated(stored) + _repeated([one.id for one in acknowledged]),
        damaged=sorted(one for one in set(sent) & set(stored) if photos[one] != sent[one]),
        twice=_repeated([digest for digest in photos.values() if digest]),
    )


def rows(server: Server) -> Iterator[dict[str, Any]]:
    """Yield all results, oldest first, by the streamed export."""
    with closing(server.connect()) as connection:
        connection.request("GET", f"{INSPECTIONS}.ndjson")
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"the export answered {answer.status}")
        for line in answer:
            yield json.loads(line)


def photos_of(server: Server, ids: Sequence[str]) -> dict[str, str]:
    """Return id -> SHA-256 of its photo, empty where there is none."""
    photos = {}
    with closing(server.connect()) as connection:
        for one in ids:
            connection.request("GET", f"{INSPECTIONS}/{one}/image")
            answer = connection.getresponse()
            content = answer.read()
            photos[one] = digest_of(content) if answer.status == 200 else ""
    return photos


def is_intact(state: Path) -> bool:
    """Whether the database of a server that has ended passes SQLite's own check."""
    with closing(sqlite3.connect(str(state / "results.sqlite"))) as connection:
        found: list[tuple[str]] = connection.execute("PRAGMA integrity_check").fetchall()
    return found == [("ok",)]


def _repeated(values: Sequence[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
