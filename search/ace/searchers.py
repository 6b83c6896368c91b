"""Searchers that every policy shares: random, TPE with constraints, FLAML's BlendSearch with constraints.

Source: [D] Sec. 4.3.2; facts, section A, "Searchers".
Differs from the source: TPE (Optuna) is the constrained searcher that is always there; BlendSearch is an
extra.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch
from ray.tune.search.sample import Domain

from inspector.errors import InputError
from search.ace.final_score import FinalScores
from search.ace.names import SEARCHER_NAMES, SearcherName
from search.ace.options import Constraint, Mode
from search.streams import Purpose, stream

Space = Mapping[str, Any]


def make_searcher(
    name: SearcherName,
    space: Space,
    *,
    metric: str,
    mode: Mode,
    constraints: Sequence[Constraint],
    seed: int,
    initial: Mapping[str, Any] | None = None,
) -> Searcher:
    """Return a searcher for Ray Tune.

    Args:
        space: Name -> a domain of ray.tune or a constant.
        constraints: What `tpe` and `blend` are told at the end of a trial; `random` needs none.
        initial: The configuration of the first trial.

    Raises:
        InputError: an unknown name, a space with a grid or without a domain, or `blend` without flaml.
    """
    _check(space)
    start = None if initial is None else dict(initial)
    if name == "random":
        return RandomSearch(space, metric=metric, mode=mode, seed=seed, initial=start)
    if name == "tpe":
        return ConstrainedOptunaSearch(
            space, metric=metric, mode=mode, constraints=constraints, seed=seed, initial=start
        )
    if name == "blend":
        return _blend(space, metric=metric, mode=mode, constraints=constraints, seed=seed, initial=start)
    raise InputError(f"there is no searcher {name!r}; they are {', '.join(SEARCHER_NAMES)}")


class RandomSearch(Searcher):
    """Draws configuration n from a stream of its own, so that it depends on the seed and n alone.

    Ray's own random search cannot be saved when it draws without end.
    """

    def __init__(
        self, space: Space, *, metric: str, mode: Mode, seed: int, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._space = dict(space)
        self._seed = seed
        self._initial = initial
        self._number = 0
        self._suggested: dict[str, dict[str, Any]] = {}

    def suggest(self, trial_id: str) -> dict[str, Any]:
        if trial_id not in self._suggested:
            self._suggested[trial_id] = self._draw(self._number)
            self._number += 1
        return dict(self._suggested[trial_id])

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._suggested.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_bytes(pickle.dumps((self._number, self._suggested)))

    def restore(self, checkpoint_path: str) -> None:
        self._number, self._suggested = pickle.loads(Path(checkpoint_path).read_bytes())

    def _draw(self, number: int) -> dict[str, Any]:
        if number == 0 and self._initial is not None:
            return dict(self._initial)
        rng = stream(Purpose.TUNING, seed=self._seed, number=number)
        return {
            name: domain.sample(random_state=rng) if isinstance(domain, Domain) else domain
            for name, domain in sorted(self._space.items())
        }


class ConstrainedOptunaSearch(OptunaSearch):
    """Optuna's TPE, told at the end of a trial by how much each constraint is violated.

    Ray's OptunaSearch has no place for constraints; Optuna ranks trials that violate them behind all others.
    """

    def __init__(
        self,
        space: Space,
        *,
        metric: str,
        mode: Mode,
        constraints: Sequence[Constraint],
        seed: int,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        domains = {name: value for name, value in space.items() if isinstance(value, Domain)}
        self._constants = {name: value for name, value in space.items() if name not in domains}
        start = None if initial is None else [{name: initial[name] for name in domains}]
        self._scores = FinalScores(metric, tuple(constraints))
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line for each study that is made
        super().__init__(
            self.convert_search_space(domains),
            metric=metric,
            mode=mode,
            sampler=optuna.samplers.TPESampler(seed=seed),
            points_to_evaluate=start,
        )

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        suggested = super().suggest(trial_id)
        return None if suggested is None else {**suggested, **self._constants}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        score = None if error else self._scores.of(result)
        if score is None:
            super().on_trial_complete(trial_id, None, error=True)
            return
        for name, violation in score.violations.items():
            self._ot_trials[trial_id].set_constraint(name, violation)
        super().on_trial_complete(trial_id, {**(result or {}), self._metric: score.value})


def _blend(
    space: Space,
    *,
    metric: str,
    mode: Mode,
    constraints: Sequence[Constraint],
    seed: int,
    initial: dict[str, Any] | None,
) -> Searcher:
    try:
        from search.ace.blend import ConstrainedBlendSearch
    except ImportError as error:
        raise InputError(
            "the searcher `blend` needs flaml, which is not installed: "
            "pip install 'visual-inspector[flaml]', or choose `tpe`"
        ) from error
    return ConstrainedBlendSearch(
        space, metric=metric, mode=mode, constraints=constraints, seed=seed, initial=initial
    )


def _check(space: Space) -> None:
    for name, value in space.items():
        if isinstance(value, Mapping) and "grid_search" in value:
            raise InputError(f"{name!r} is a grid; give a range or a choice instead")
    if not any(isinstance(value, Domain) for value in space.values()):
        raise InputError(f"nothing to search: none of {sorted(space)} is a range or a choice of ray.tune")
