"""Keeps the books over a restore: Ray saves them with its own checkpoint of the experiment.

Source: facts/search_algorithms.md, section A (Resume): Ray saves the state of callbacks, not of schedulers,
and restores it before it adds the trials again.

The saved books may be older or newer than the trials' own checkpoints. Records are keyed by trial and
iteration, so one that comes twice counts once.
"""

import logging
import pickle
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from search.ace import record as keys
from search.ace.books import dump_state, load_state, saved_options
from search.ace.options import AceError
from search.ace.scheduler import AceScheduler
from search.ace.state import AceState
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


def read_books(experiment: str | Path) -> AceState:
    """Return the books in the folder of an experiment, running, killed or finished, as last saved by Ray.

    Raises:
        AceError: the folder holds none, or they are of another version of the code.
    """
    for path in sorted(Path(experiment).glob("callback-states-*.pkl"), reverse=True):
        for saved in pickle.loads(path.read_bytes()).values():
            if isinstance(saved, dict) and "records" in saved and "schema" in saved:
                state = AceState(saved_options(saved))
                load_state(saved, state)
                return state
    raise AceError(
        f"{experiment} holds no books of ACE; give the folder of an experiment that ran with the callback of "
        "its AceScheduler"
    )
