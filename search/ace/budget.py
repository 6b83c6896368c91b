"""The seconds that a tuning may take, over all the processes that it took; and no new trial after them.

Source: [D] Sec. 4.3.2 (a search budget of one hour).
"""

from __future__ import annotations

import pickle
import tempfile
import time
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from search.ace.measured import read_lines

MAX_CRASHES = 3


class Budget:
    """A clock that goes on where the last process left it: at the last thing that was measured.

    It starts when it is first asked, and again in every process that unpickles it.
    """

    def __init__(self, log: Path, budget_s: float) -> None:
        self.log = log
        self.budget_s = budget_s
        self._zero_s: float | None = None

    @property
    def zero_s(self) -> float:
        """When the tuning would have begun had it never paused, in seconds since the epoch."""
        if self._zero_s is None:
            lines = read_lines(self.log)
            self._zero_s = time.time() - max((line.seconds for line in lines), default=0.0)
        return self._zero_s

    @property
    def deadline_s(self) -> float:
        """Seconds since the epoch."""
        return self.zero_s + self.budget_s

    def spent_s(self) -> float:
        zero_s = self.zero_s  # before the time is asked, so that a fresh clock does not run backwards
        return time.time() - zero_s

    def is_spent(self) -> bool:
        return self.spent_s() >= self.budget_s

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_zero_s": None}


class BudgetedSearch(Searcher):
    """A searcher that has nothing more to suggest once the budget is spent, or when only crashes come back.

    It tells Ray to finish; trials that run end by themselves.
    """

    def __init__(self, inner: Searcher, budget: Budget, *, max_trials: int | None = None) -> None:
        super().__init__(metric=inner.metric, mode=inner.mode)
        self.inner = inner
        self.budget = budget
        self.max_trials = max_trials
        self._num_suggested = 0
        self._num_crashes = 0
        self._has_succeeded = False

    def suggest(self, trial_id: str) -> Any:
        if self.budget.is_spent() or self._is_full() or self._only_crashes():
            return Searcher.FINISHED
        config = self.inner.suggest(trial_id)
        self._num_suggested += config is not None
        return config

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._has_succeeded = True
        self.inner.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._has_succeeded |= not error
        self._num_crashes += error
        self.inner.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Write one file: Ray renames the path that it gives here, and would leave a second file behind."""
        self.inner.save(checkpoint_path)
        own = (self._num_suggested, self._num_crashes, self._has_succeeded)
        path = Path(checkpoint_path)
        path.write_bytes(pickle.dumps((own, path.read_bytes())))

    def restore(self, checkpoint_path: str) -> None:
        own, inner = pickle.loads(Path(checkpoint_path).read_bytes())
        self._num_suggested, self._num_crashes, self._has_succeeded = own
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(inner)
            self.inner.restore(file.name)

    def _is_full(self) -> bool:
        return self.max_trials is not None and self._num_suggested >= self.max_trials

    def _only_crashes(self) -> bool:
        return not self._has_succeeded and self._num_crashes >= MAX_CRASHES
