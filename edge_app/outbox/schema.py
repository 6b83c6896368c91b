"""The outbox's tables, in the store's database, so that a result and its messages are one transaction.

`outbox` is the queue: one row a message and destination. AUTOINCREMENT, because an id that was once sent may
never name another message: receivers drop duplicates by it. `rank` says what is dropped first when the queue
is full (`edge_app.outbox.rules`). `outbox_totals` spares counting 100,000 rows at every insert.
"""

OUTBOX_DDL = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    rank INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    num_bytes INTEGER NOT NULL,
    num_rejections INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE INDEX outbox_in_order ON outbox (destination, id);
CREATE INDEX outbox_by_rank ON outbox (destination, rank, id);
CREATE TABLE outbox_dead (
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    rank INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    num_bytes INTEGER NOT NULL,
    body TEXT NOT NULL,
    died_ms INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX outbox_dead_by_rank ON outbox_dead (destination, rank, id);
CREATE TABLE outbox_totals (
    destination TEXT PRIMARY KEY,
    num_waiting INTEGER NOT NULL,
    num_bytes INTEGER NOT NULL,
    num_dropped INTEGER NOT NULL
);
"""
