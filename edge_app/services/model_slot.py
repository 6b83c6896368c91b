"""A place for a model that is lent: jobs in flight finish on the model they began with, whatever is swapped.

Source: facts/edge_reliability.md, section 5 (drain the old model by reference count).
"""

import threading
from contextlib import contextmanager
from typing import ContextManager, Generic, Iterator, Optional, TypeVar

ModelT = TypeVar("ModelT")


class ModelSlot(Generic[ModelT]):
    """Holds at most one model. Its lock is held for a few instructions, never during inference."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: Optional[_Held[ModelT]] = None

    @property
    def model(self) -> Optional[ModelT]:
        """The model in the slot now, to be looked at; to work with it, take a lease."""
        held = self._held
        return None if held is None else held.model

    def lease(self) -> Optional[ContextManager[ModelT]]:
        """Return a lease of the model in the slot, or None where it is empty."""
        held = self._held
        return None if held is None else self._lend(held)

    def swap(self, model: Optional[ModelT], *, drain_s: float) -> bool:
        """Put `model` in the slot; return whether all jobs on the old one ended within `drain_s` seconds.

        The new model answers from the first instant; a job that takes longer keeps the old one alive alone.
        """
        with self._changed:
            old, self._held = self._held, None if model is None else _Held(model)
            return old is None or self._changed.wait_for(lambda: old.num_leases == 0, timeout=drain_s)

    @contextmanager
    def _lend(self, held: "_Held[ModelT]") -> Iterator[ModelT]:
        with self._changed:
            held.num_leases += 1
        try:
            yield held.model
        finally:
            with self._changed:
                held.num_leases -= 1
                if held.num_leases == 0:
                    self._changed.notify_all()


class _Held(Generic[ModelT]):
    def __init__(self, model: ModelT) -> None:
        self.model = model
        self.num_leases = 0
