"""One group of reports, kept so that a reporter's place in it is found quickly.

Source: [D] Algorithm 3, lines 17-22.
Differs from the source: the group is not sorted anew at each report. By one number, or a violation and a
loss, it is a sorted list: a search of O(log n) and a shift of pointers. By several constraints the typical
violations, and so the order, move with every report: then it is a table, and one comparison of whole
columns counts the places.
"""

import bisect
from typing import Protocol

import numpy as np

from search.ace.violation import Violations, normalised, order_key


class Ranking(Protocol):
    """Reports of one stratum at one iteration, each (violations, loss)."""

    def __len__(self) -> int: ...

    def add(self, excess: Violations, loss: float) -> None: ...

    def remove(self, excess: Violations, loss: float) -> None: ...

    def worse_or_equal(self, excess: Violations, loss: float, typical: Violations) -> int:
        """Count the others that are as bad as one member (violations, loss) or worse."""
        ...


def make_ranking(num_violations: int) -> Ranking:
    """Return an empty group whose members carry that many violations (0: ranked by loss alone)."""
    return _SortedRanking() if num_violations <= 1 else _TableRanking(num_violations)


class _SortedRanking:
    def __init__(self) -> None:
        self._keys: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, excess: Violations, loss: float) -> None:
        bisect.insort(self._keys, (*excess, loss))

    def remove(self, excess: Violations, loss: float) -> None:
        del self._keys[bisect.bisect_left(self._keys, (*excess, loss))]

    def worse_or_equal(self, excess: Violations, loss: float, typical: Violations) -> int:
        return len(self._keys) - bisect.bisect_left(self._keys, (*excess, loss)) - 1


class _TableRanking:
    """A row for each constraint's violations, then the losses; columns behind `_size` are room to grow."""

    def __init__(self, num_violations: int) -> None:
        self._rows = np.empty((num_violations + 1, 8))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, excess: Violations, loss: float) -> None:
        if self._size == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        self._rows[:, self._size] = (*excess, loss)
        self._size += 1

    def remove(self, excess: Violations, loss: float) -> None:
        rows = self._rows[:, : self._size]
        same = (rows == np.array([*excess, loss])[:, None]).all(axis=0)
        rows[:, int(np.flatnonzero(same)[0])] = rows[:, -1]
        self._size -= 1

    def worse_or_equal(self, excess: Violations, loss: float, typical: Violations) -> int:
        rows = self._rows[:, : self._size]
        table = normalised(rows[:-1], typical)
        own = order_key(excess, typical)
        furthest = table.max(axis=0)
        count = int(np.count_nonzero(furthest > own[0]))
        tied = np.flatnonzero(furthest == own[0])
        keys = np.sort(table[:, tied], axis=0)[::-1].T.tolist()
        losses = rows[-1, tied].tolist()
        count += sum((*key, other) >= (*own, loss) for key, other in zip(keys, losses, strict=True))
        return count - 1
