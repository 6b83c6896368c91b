"""What operators said of results: every word is kept, the last one counts."""

import sqlite3
from typing import Dict, List, Optional, Sequence

from edge_app.store.files import hour_of
from edge_app.store.records import DECISIONS, OperatorDecision
from inspector.errors import InputError

MAX_NOTE_CHARACTERS = 2000


def check_decision(decision: str, note: str) -> None:
    """Raise InputError for an unknown word or a note that is too long."""
    if decision not in DECISIONS:
        raise InputError(f"decision is {decision!r}; choose one of {', '.join(DECISIONS)}")
    if len(note) > MAX_NOTE_CHARACTERS:
        raise InputError(f"the note has {len(note)} characters; at most {MAX_NOTE_CHARACTERS} are kept")


def insert_decision(
    connection: sqlite3.Connection, result_id: str, said: OperatorDecision
) -> Optional[OperatorDecision]:
    """Store a decision and return it, or None when there is no such result."""
    found = connection.execute(
        "SELECT seq, created_ms, group_id, decision FROM results WHERE id = ?", (result_id,)
    ).fetchone()
    if found is None:
        return None
    seq, created_ms, group_id, before = found
    connection.execute(
        "INSERT INTO decisions (result_seq, decision, by, when_ms, note) VALUES (?, ?, ?, ?, ?)",
        (seq, said.decision, said.by, said.when_ms, said.note),
    )
    connection.execute(
        "UPDATE results SET decision = ? WHERE seq = ?", (1 + DECISIONS.index(said.decision), seq)
    )
    if before == 0:
        connection.execute(
            "UPDATE rollup SET num_decided = num_decided + 1 WHERE hour_ms = ? AND group_id = ?",
            (hour_of(created_ms), group_id),
        )
    return said


def last_decisions(connection: sqlite3.Connection, seqs: Sequence[int]) -> Dict[int, OperatorDecision]:
    """Return the last decision of each of at most 999 results that has one."""
    marks = ",".join("?" * len(seqs))
    rows = connection.execute(
        f"SELECT result_seq, decision, by, when_ms, note FROM decisions WHERE result_seq IN ({marks}) "
        "ORDER BY id",
        tuple(seqs),
    )
    return {seq: OperatorDecision(*said) for seq, *said in rows}


def read_history(connection: sqlite3.Connection, result_id: str) -> List[OperatorDecision]:
    """Return all decisions on a result, oldest first."""
    rows = connection.execute(
        "SELECT d.decision, d.by, d.when_ms, d.note FROM results r JOIN decisions d ON d.result_seq = r.seq "
        "WHERE r.id = ? ORDER BY d.id",
        (result_id,),
    )
    return [OperatorDecision(*said) for said in rows]
