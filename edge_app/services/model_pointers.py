"""Which model of the device is which, and how that changes: a record in, a record out."""

from typing import Dict, Optional, Set, Tuple

from pydantic import Field

from inspector.manifest import Record

DIGEST_PATTERN = r"^[0-9a-f]{64}$"


class Pointers(Record):
    """Digests of models.

    previous: what a rollback takes.  given: the bundle of the last command line.
    failed: why a model is not started by itself any more.  memory_bytes: what a model took when loaded.
    """

    current: Optional[str] = Field(default=None, pattern=DIGEST_PATTERN)
    previous: Optional[str] = Field(default=None, pattern=DIGEST_PATTERN)
    shadow: Optional[str] = Field(default=None, pattern=DIGEST_PATTERN)
    given: Optional[str] = Field(default=None, pattern=DIGEST_PATTERN)
    failed: Dict[str, str] = Field(default_factory=dict)
    memory_bytes: Dict[str, int] = Field(default_factory=dict)

    @property
    def in_use(self) -> Set[str]:
        """The digests that must stay on disk."""
        return {
            digest for digest in (self.current, self.previous, self.shadow, self.given) if digest is not None
        }

    def now_serving(self, digest: str) -> "Pointers":
        """Return the pointers once `digest` serves: a rollback takes the one before, unless that failed."""
        if digest == self.current:
            previous = self.previous
        elif self.current is not None and self.current not in self.failed:
            previous = self.current
        else:
            previous = None if self.previous == digest else self.previous
        return self.model_copy(
            update={
                "current": digest,
                "previous": previous,
                "shadow": None if self.shadow == digest else self.shadow,
                "failed": {name: why for name, why in self.failed.items() if name != digest},
            }
        )

    def with_shadow(self, digest: Optional[str]) -> "Pointers":
        """Return the pointers with another shadow model, or none."""
        return self.model_copy(update={"shadow": digest})

    def with_given(self, digest: str) -> "Pointers":
        """Return the pointers once `digest` was on the command line."""
        return self.model_copy(update={"given": digest})

    def with_failure(self, digest: str, reason: str) -> "Pointers":
        """Return the pointers once `digest` turned out to be unusable."""
        return self.model_copy(update={"failed": {**self.failed, digest: reason}})

    def with_memory(self, digest: str, num_bytes: int) -> "Pointers":
        """Return the pointers once it is known what `digest` takes."""
        return self.model_copy(update={"memory_bytes": {**self.memory_bytes, digest: num_bytes}})

    def without(self, digest: str) -> "Pointers":
        """Return the pointers once an unused model was deleted: nothing is known of it any more."""
        return self.model_copy(
            update={
                "failed": {name: why for name, why in self.failed.items() if name != digest},
                "memory_bytes": {name: size for name, size in self.memory_bytes.items() if name != digest},
            }
        )

    def start_order(self, new: Optional[str]) -> Tuple[str, ...]:
        """Return the models to try at a start, `new` of the command line first, those that failed last."""
        wanted = (new, self.current, self.previous, self.given)
        order = dict.fromkeys(digest for digest in wanted if digest is not None)
        return tuple(sorted(order, key=lambda digest: digest in self.failed))
