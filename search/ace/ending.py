"""Lets a trial end well that others end: its best checkpoint is judged before it goes.

Source: [D] Sec. 4.3.2: the constraint callback of the baselines computes the constraint of a finished trial
for the searcher.
Differs from the source: the trial computes it, not the driver, so that slots stay busy and clusters work. A
trial that the budget cuts off ends in the same way under every policy.

Ray tells a trial nothing when a scheduler stops it. So the scheduler's STOP becomes a note on a board, and
the trial, which reads it before each iteration, evaluates its best checkpoint and says that it is done.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from typing import Any

import ray
from ray.exceptions import RayError
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.ace.course import Evaluation
from search.ace.measured import REPEATS
from search.ace.options import AceOptions
from search.ace.trainable import ConstrainedTrainable


class Endings:
    """Which trials were asked to end."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    def ask(self, trial_id: str) -> None:
        self._asked.add(trial_id)

    def is_asked(self, trial_id: str) -> bool:
        return trial_id in self._asked


EndingBoard: Any = ray.remote(num_cpus=0, max_restarts=-1)(Endings)


def open_endings(experiment: str) -> Any:
    """Return the board of an experiment; it is made where there is none."""
    return EndingBoard.options(name=f"ace-endings/{experiment}", get_if_exists=True).remote()


class EndingTrainable(ConstrainedTrainable):
    """Mixed into a user's trainable by `ending`: ends at the deadline, or when its scheduler asks."""

    _reported: dict[str, Any]
    _deadline_s: float
    _defers: bool
    _endings: Any

    def setup(
        self,
        config: dict[str, Any],
        ace: AceOptions | None = None,
        deadline_s: float = float("inf"),
        asks: bool = False,
        defers: bool = False,
        **data: Any,
    ) -> None:
        """As of ConstrainedTrainable.

        Args:
            deadline_s: Seconds since the epoch, after which the trial ends.
            asks: Whether the scheduler may ask the trial to end.
            defers: Whether constraints are left for later: the best checkpoint is kept and not evaluated.
        """
        self._deadline_s, self._defers = deadline_s, defers
        experiment = self._trial_info.experiment_name if self._trial_info else None
        self._endings = open_endings(experiment) if asks and experiment else None
        super().setup(config, ace, **data)

    def step(self) -> dict[str, Any]:
        """Ray's hook: one more iteration, or the last judgement."""
        if self._reported and self._ends():
            return self._last_report()
        self._reported = super().step()
        return self._reported

    def judge(self) -> Evaluation | None:
        """Evaluate the best checkpoint where it was kept for the end and is promising."""
        course, options = self._course, self.ace
        waits = options.evaluates and course.beta(options) == course.total > course.iteration
        if not waits or not course.is_wanted(options):
            return None
        return self._evaluate(kept=course.uses_kept(options))

    def judge_deferred(self) -> Evaluation:
        """Evaluate the best checkpoint of a trial that was loaded again."""
        return self._evaluate(kept=self._course.uses_kept(self.ace))

    def _ends(self) -> bool:
        if time.time() >= self._deadline_s:
            return True
        try:
            return self._endings is not None and ray.get(self._endings.is_asked.remote(self.trial_id))
        except RayError:
            return False  # the board is restarted: the scheduler asks again at the next report

    def _evaluate_if_worth_it(self) -> Evaluation | None:
        return None if self._defers else super()._evaluate_if_worth_it()

    def _begin(self, config: dict[str, Any]) -> None:
        super()._begin(config)
        self._reported = {}

    def _last_report(self) -> dict[str, Any]:
        """Report the last iteration again: with an evaluation, or marked as a repetition."""
        evaluation = None if self._defers else self.judge()
        fields = {REPEATS: True} if evaluation is None else self._course.report(self.ace, evaluation)
        return {**self._reported, **fields, "done": True}


def ending(trainable: type[ConstrainedTrainable]) -> type[EndingTrainable]:
    """Return the user's trainable with EndingTrainable's `setup` and `step`."""
    return type(trainable.__name__, (EndingTrainable, trainable), {"__module__": trainable.__module__})


class AskingScheduler(FIFOScheduler):
    """Another scheduler whose STOP asks the trial to end; later reports of that trial are not passed on."""

    _supports_buffered_results = False

    def __init__(self, inner: TrialScheduler) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray does not say its types
        self.inner = inner
        self.asked: set[str] = set()
        self._board: Any = None

    @property
    def metric(self) -> str | None:
        metric: str | None = self.inner.metric
        return metric

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        accepted: bool = self.inner.set_search_properties(metric, mode, **spec)
        return accepted

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        if self._board is None:
            self._board = open_endings(trial.experiment_dir_name)
        self.inner.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        stops = trial.trial_id in self.asked
        if not stops:
            stops = self.inner.on_trial_result(tune_controller, trial, result) == TrialScheduler.STOP
        if stops:
            self.asked.add(trial.trial_id)
            self._board.ask.remote(trial.trial_id)
        return TrialScheduler.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        if trial.trial_id in self.asked:
            return  # its scheduler has counted it already
        self.inner.on_trial_complete(tune_controller, trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self.inner.on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        self.inner.on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        return self.inner.choose_trial_to_run(tune_controller)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the board behind: its handle means nothing to another driver."""
        return {**self.__dict__, "_board": None}


class RungsCallback(Callback):
    """Saves Ray's ASHA with the experiment, which Ray does not, and puts its rungs back at a restore."""

    def __init__(self, scheduler: TrialScheduler) -> None:
        self.scheduler = scheduler

    def get_state(self) -> dict[str, Any]:
        return {"scheduler": pickle.dumps(self.scheduler.__dict__)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.scheduler.__dict__.update(pickle.loads(state["scheduler"]))
