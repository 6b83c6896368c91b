"""Which files are kept, and for how long: numbers in, decision out."""

from dataclasses import dataclass
from typing import List, Optional, Sequence

from edge_app.services.result import Outcome
from inspector.errors import InputError

PHOTO_CHOICES = ("all", "non_pass", "sample", "none")
DAY_MS = 24 * 3600 * 1000
ROW_BYTES = 1200  # what a result takes in the database with its indexes, measured by benchmarks/history
TRUSTED_SINCE_MS = 1_577_836_800_000  # 2020: an older time stamp is that of a device without a set clock
MAX_CLOCK_ERROR_MS = DAY_MS


@dataclass(frozen=True)
class StoragePolicy:
    """What is kept.

    photos: files of `all` results, of those that are not PASS (`non_pass`), of these and of every
        `sample_every`-th PASS (`sample`), or of `none`. Score maps go with the photos.
    max_age_days: older results go.
    max_bytes: the oldest go when files and database take more.
    min_free_bytes: with less free space no files are written, and results older than a day go.
    """

    photos: str = "all"
    sample_every: int = 20
    max_age_days: float = 90
    max_bytes: int = 20 * 2**30
    min_free_bytes: int = 500 * 2**20

    def __post_init__(self) -> None:
        if self.photos not in PHOTO_CHOICES:
            raise InputError(f"photos is {self.photos!r}; choose one of {', '.join(PHOTO_CHOICES)}")
        if self.sample_every < 1:
            raise InputError(f"sample_every is {self.sample_every}; it must be at least 1")
        if not self.max_age_days > 0:
            raise InputError(f"max_age_days is {self.max_age_days}; it must be above 0")
        if self.max_bytes < 1 or self.min_free_bytes < 0:
            raise InputError(
                f"max_bytes is {self.max_bytes} and min_free_bytes {self.min_free_bytes}; "
                "they must be at least 1 and 0"
            )


@dataclass(frozen=True)
class OldRow:
    """A result as retention sees it; `num_bytes` of its files."""

    seq: int
    id: str
    created_ms: int
    media_type: str
    num_bytes: int


def keeps_files(policy: StoragePolicy, outcome: Outcome, num_passes: int) -> bool:
    """Say whether the files of a result are kept; `num_passes` counts the PASS results before it."""
    if policy.photos == "none":
        return False
    if policy.photos == "all" or outcome is not Outcome.PASS:
        return True
    return policy.photos == "sample" and num_passes % policy.sample_every == 0


def cutoff_ms(
    policy: StoragePolicy, *, now_ms: int, wall_elapsed_ms: int, steady_elapsed_ms: int
) -> Optional[int]:
    """Return the time before which results are too old, or None while the clock cannot be trusted.

    A clock that was set forward by years must not delete what was stored a minute ago: no result goes by age
    while wall time and monotonic time since the start differ by more than a day.
    """
    if abs(wall_elapsed_ms - steady_elapsed_ms) > MAX_CLOCK_ERROR_MS or now_ms < TRUSTED_SINCE_MS:
        return None
    return int(now_ms - policy.max_age_days * DAY_MS)


def rows_to_drop(
    policy: StoragePolicy,
    oldest: Sequence[OldRow],
    *,
    used_bytes: int,
    free_bytes: int,
    cutoff: Optional[int],
    now_ms: int,
) -> List[OldRow]:
    """Return those of the `oldest` rows (oldest first) that are too old or in the way.

    When others fill the disk, the last day's results stay: deleting them would not stop the others.
    """
    drop: List[OldRow] = []
    over = used_bytes - policy.max_bytes
    short = policy.min_free_bytes - free_bytes
    for row in oldest:
        is_old = cutoff is not None and TRUSTED_SINCE_MS <= row.created_ms < cutoff
        if is_old or over > 0 or (short > 0 and row.created_ms < now_ms - DAY_MS):
            drop.append(row)
            over -= row.num_bytes + ROW_BYTES
            short -= row.num_bytes
    return drop
