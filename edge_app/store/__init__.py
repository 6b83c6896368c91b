"""Results that are never lost: rows in SQLite, photos and score maps as files beside it."""

from edge_app.store.filters import ResultFilter
from edge_app.store.policy import StoragePolicy
from edge_app.store.records import (
    AuditEntry,
    AuditPage,
    Bucket,
    OperatorDecision,
    Page,
    Receipt,
    StoredResult,
    StoreStatus,
    ThresholdVersion,
)
from edge_app.store.state_folder import StateFolder
from edge_app.store.store import Store

__all__ = [
    "AuditEntry",
    "AuditPage",
    "Bucket",
    "OperatorDecision",
    "Page",
    "Receipt",
    "ResultFilter",
    "StateFolder",
    "StoragePolicy",
    "Store",
    "StoreStatus",
    "StoredResult",
    "ThresholdVersion",
]
