"""The one thing that trials have to know of each other: best feasible score and mean constraint cost.

Source: facts/search_algorithms.md, section A (design comparison), section C, rules 3 and 6.

A scheduler cannot send anything to a trial, so an actor stands between them. It holds no history: the
scheduler sends the whole standing after each change and waits for no answer. A standing that is late or
lost (the actor was restarted on another node) costs an evaluation and nothing else. Trials find it by the
experiment's name, so that no handle has to outlive a restore.
"""

import logging
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.ace.state import Standing

logger = logging.getLogger(__name__)


class Board:
    """The standing, and who makes the probe."""

    def __init__(self) -> None:
        self._standing = Standing()
        self._prober: str | None = None

    def write(self, standing: Standing) -> None:
        self._standing = standing

    def read(self) -> Standing:
        return self._standing

    def claim_probe(self, trial_id: str) -> bool:
        """Return whether this trial makes the one early evaluation: the first that asks."""
        if self._prober is None:
            self._prober = trial_id
        return self._prober == trial_id

    def release_probe(self, trial_id: str) -> None:
        """Let another trial make the probe where this one ended without it."""
        if self._prober == trial_id:
            self._prober = None


AceBoard: Any = ray.remote(num_cpus=0, max_restarts=-1)(Board)


def start_board(experiment: str, standing: Standing) -> Any:
    """Return the board of an experiment, on the driver's node where there is room, showing `standing`."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    options = {"name": _name(experiment), "get_if_exists": True, "scheduling_strategy": here}
    board = AceBoard.options(**options).remote()
    ray.get(board.write.remote(standing))
    return board


class BoardLink:
    """A trial's view of the board; without one, as under another scheduler, a trial knows only itself."""

    def __init__(self, experiment: str | None) -> None:
        self._board = _find(experiment)

    def read(self) -> Standing:
        """Return the standing; an empty one where the board does not answer."""
        try:
            return _answer(self._board.read.remote()) if self._board else Standing()
        except RayError as error:
            logger.warning("the board of ACE does not answer; this trial goes on without it: %s", error)
            return Standing()

    def claim_probe(self, trial_id: str) -> bool:
        """Return whether this trial makes the probe."""
        try:
            return _answer(self._board.claim_probe.remote(trial_id)) if self._board else True
        except RayError:
            return False


def _answer(reference: Any) -> Any:
    return ray.get(reference)


def _find(experiment: str | None) -> Any:
    if experiment is None or not ray.is_initialized():
        return None
    try:
        return ray.get_actor(_name(experiment))
    except ValueError:
        return None


def _name(experiment: str) -> str:
    return f"ace-board/{experiment}"
