"""Ray Tune's view of ACE: keeps the books, decides nothing.

Source: [D] Algorithm 3; facts/search_algorithms.md, section A.

Ray does not save a scheduler's state (ray#30838): `AceScheduler.callback()` does.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.ace.board import start_board
from search.ace.options import AceError, AceOptions, Interval, Mode, Spacing, Stopping, constraints_of
from search.ace.record import Record, read_history
from search.ace.state import AceState, Standing

if TYPE_CHECKING:
    from search.ace.persistence import AceStateCallback
    from search.ace.trainable import ConstrainedTrainable

logger = logging.getLogger(__name__)


class AceScheduler(FIFOScheduler):
    """Stops trials by objective and constraints, in one experiment of Ray Tune.

        ace = AceScheduler("auc", "max", constraints={"eod": 0.25}, max_iterations=100)
        tune.Tuner(
            ace.trainable(MyModel),  # a ConstrainedTrainable
            tune_config=tune.TuneConfig(scheduler=ace, num_samples=50, reuse_actors=True),
            run_config=tune.RunConfig(callbacks=[ace.callback()]),
        ).fit()
        ace.state.best

    Args:
        metric: Name of the reported objective.
        mode: "min" or "max".
        constraints: Name -> the most it may be.
        (others): As in AceOptions.

    Raises:
        AceError: an option is out of range.
    """

    _supports_buffered_results = False  # each report is judged before the next iteration begins

    def __init__(
        self,
        metric: str,
        mode: Mode,
        *,
        constraints: Mapping[str, float],
        max_iterations: int = 100,
        truncation: float = 0.25,
        interval: Interval = "adaptive",
        spacing: Spacing = "linear",
        reduction_factor: int = 4,
        skip: bool = True,
        stopping: Stopping = "stratum",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray does not say its types
        options = AceOptions(
            metric=metric,
            mode=mode,
            constraints=constraints_of(constraints),
            max_iterations=max_iterations,
            truncation=truncation,
            interval=interval,
            spacing=spacing,
            reduction_factor=reduction_factor,
            skip=skip,
            stopping=stopping,
        )
        self._metric = metric
        self._board: Any = None
        self._shown = Standing()
        self.state = AceState(options)

    @classmethod
    def of(cls, options: AceOptions) -> "AceScheduler":
        """Return the scheduler of checked options."""
        scheduler = cls(options.metric, options.mode, constraints={})
        scheduler.state = AceState(options)
        return scheduler

    @property
    def options(self) -> AceOptions:
        return self.state.options

    def trainable(self, trainable: "type[ConstrainedTrainable]", **data: Any) -> Any:
        """Return `trainable` with these options; `data` goes to its `prepare`, once a process."""
        return tune.with_parameters(trainable, ace=self.options, **data)

    def callback(self) -> "AceStateCallback":
        """Return the callback that saves the books with the experiment and puts them back at a restore."""
        from search.ace.persistence import AceStateCallback

        return AceStateCallback(self)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the metric and mode of TuneConfig where they are those of this scheduler.

        Raises:
            AceError: they differ.
        """
        own = (self.options.metric, self.options.mode)
        given = (metric or own[0], mode or own[1])
        if given != own:
            raise AceError(
                f"TuneConfig says metric={given[0]!r}, mode={given[1]!r}, AceScheduler says {own[0]!r}, "
                f"{own[1]!r}; give both the same"
            )
        return True

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        if self._board is None:
            self._shown = self.state.standing()
            self._board = start_board(trial.experiment_dir_name, self._shown)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        verdict = self.state.judge(self._enter(trial, result))
        if verdict.keep:
            return TrialScheduler.CONTINUE
        logger.info("stop trial %s at iteration %d: %s", trial.trial_id, verdict.iteration, verdict.why)
        return TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        # A trial that says `done` itself comes here without on_trial_result, and that is its evaluation at T.
        if self.options.metric in result:
            self._enter(trial, result)
        self._release(trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self._release(trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        self._release(trial)

    def debug_string(self) -> str:
        best = self.state.best
        shown = "none" if best is None else f"{self.options.objective(best.loss):.6g} (trial {best.trial_id})"
        return (
            f"ACE: {len(self.state)} reports, {len(self.state.stops)} trials stopped, best feasible {shown}"
        )

    def show(self) -> None:
        """Send the standing to the board if it has changed."""
        standing = self.state.standing()
        if self._board is not None and standing != self._shown:
            self._shown = standing
            self._board.write.remote(standing)

    def _enter(self, trial: Trial, result: dict[str, Any]) -> Record:
        for record in read_history(trial.trial_id, result, self.options):
            self.state.add(record)
        record = self.state.record(trial.trial_id, result)
        self.show()
        return record

    def _release(self, trial: Trial) -> None:
        if self._board is not None and ray.is_initialized():
            self._board.release_probe.remote(trial.trial_id)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the board behind: its handle means nothing to another driver."""
        return {**self.__dict__, "_board": None, "_shown": Standing()}
