"""Keeps the books over a restore: Ray saves them with its own checkpoint of the experiment.

Source: facts/search_algorithms.md, section A (Resume): Ray saves the state of callbacks, not of schedulers,
and restores it before it adds the trials again.

The saved books may be older or newer than the trials' own checkpoints. Records are keyed by trial and
iteration, so one that comes twice counts once.
"""

import logging
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from search.ace import record as keys
from search.ace.books import dump_state, load_state
from search.ace.scheduler import AceScheduler
from search.ace.summary import no_feasible_message

logger = logging.getLogger(__name__)


class AceStateCallback(Callback):
    """Saves and restores the books of one scheduler, and writes into a report why it was a trial's last."""

    def __init__(self, scheduler: AceScheduler) -> None:
        self.scheduler = scheduler

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        verdict = self.scheduler.state.stops.get(trial.trial_id)
        result.pop(keys.HISTORY, None)
        result[keys.STOPPED] = verdict.why if verdict else ""

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        message = no_feasible_message(self.scheduler.state)
        if message is not None:
            logger.warning("%s", message)

    def get_state(self) -> dict[str, Any]:
        return dump_state(self.scheduler.state)

    def set_state(self, state: dict[str, Any]) -> None:
        load_state(state, self.scheduler.state)
        self.scheduler.show()
