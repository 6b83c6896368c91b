"""Every early-stopping policy that is compared, by name, in one frame: same searcher, seeds and slots.

Source: [D] Sec. 4.3 (baselines), 4.3.4 (ACE-hard, ACE-noskip, beta = 1, beta = T), 4.3.5 (ASHA-stratum),
4.3.6 (truncation percentages); facts, section 0 (StratumASHA).
Differs from the source: with geometric spacing three quarters of a group are given up at a rung, as ASHA does
with a reduction factor of 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ray import tune
from ray.tune import Callback
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from inspector.errors import InputError
from search.ace.ending import AskingScheduler, RungsCallback, ending
from search.ace.names import POLICY_NAMES, PolicyName
from search.ace.options import AceOptions, Constraint, Mode
from search.ace.record import ITERATION
from search.ace.scheduler import AceScheduler
from search.ace.trainable import ConstrainedTrainable

REDUCTION_FACTOR = 4
TRUNCATION = 0.25  # [D] Sec. 4.3
RUNG_TRUNCATION = 1.0 - 1.0 / REDUCTION_FACTOR


@dataclass(frozen=True)
class Policy:
    """When constraints are evaluated, and who stops trials.

    Attributes:
        checks_afterwards: Constraints are evaluated after the tuning, from the best trial down.
        asks: The scheduler asks trials to end instead of stopping them.
    """

    name: str
    options: AceOptions
    scheduler: TrialScheduler
    callbacks: tuple[Callback, ...] = ()
    checks_afterwards: bool = False
    asks: bool = False

    def trainable(
        self, trainable: type[ConstrainedTrainable], *, deadline_s: float = float("inf"), **data: Any
    ) -> Any:
        """Return what the Tuner gets; `data` goes to `prepare`, once a process."""
        return tune.with_parameters(
            ending(trainable),
            ace=self.options,
            deadline_s=deadline_s,
            asks=self.asks,
            defers=self.checks_afterwards,
            **data,
        )


def make_policy(
    name: str,
    *,
    metric: str,
    mode: Mode,
    constraints: Sequence[Constraint],
    max_iterations: int,
    truncation: float = TRUNCATION,
) -> Policy:
    """Return a policy for one experiment.

    Args:
        max_iterations: T, where a trial has none of its own, and the largest of any: ASHA's `max_t`.
        truncation: P of ACE and its ablations; baselines and geometric spacing have their own.

    Raises:
        InputError: there is no policy of that name, or an option is out of range.
    """
    if name not in POLICY_NAMES:
        raise InputError(f"there is no policy {name!r}; they are {', '.join(POLICY_NAMES)}")
    options = AceOptions(
        metric=metric,
        mode=mode,
        constraints=tuple(constraints),
        max_iterations=max_iterations,
        truncation=truncation,
    )
    return _MAKERS[name](name, options)


def _no_stopping(name: str, options: AceOptions) -> Policy:
    return Policy(name, _at_the_end(options), _fifo(), checks_afterwards=True)


def _no_stopping_callback(name: str, options: AceOptions) -> Policy:
    return Policy(name, _at_the_end(options), _fifo())


def _asha(name: str, options: AceOptions) -> Policy:
    scheduler = _ray_asha(options)
    return Policy(name, _at_the_end(options), scheduler, (RungsCallback(scheduler),), checks_afterwards=True)


def _asha_callback(name: str, options: AceOptions) -> Policy:
    scheduler = AskingScheduler(_ray_asha(options))
    return Policy(name, _at_the_end(options), scheduler, (RungsCallback(scheduler),), asks=True)


def _ace(**changes: Any) -> Callable[[str, AceOptions], Policy]:
    def make(name: str, options: AceOptions) -> Policy:
        changed = replace(options, **changes)
        scheduler = AceScheduler.of(changed)
        return Policy(name, changed, scheduler, (scheduler.callback(),))

    return make


def _asha_stratum(**changes: Any) -> Callable[[str, AceOptions], Policy]:
    return _ace(
        spacing="geometric",
        reduction_factor=REDUCTION_FACTOR,
        skip=False,
        truncation=RUNG_TRUNCATION,
        **changes,
    )


def _at_the_end(options: AceOptions) -> AceOptions:
    """Evaluate every trial once, at its end, on its best checkpoint; nothing is stopped or skipped."""
    return replace(options, interval="last", skip=False, stopping="none")


def _fifo() -> TrialScheduler:
    return FIFOScheduler()  # type: ignore[no-untyped-call]  # Ray does not say its types


def _ray_asha(options: AceOptions) -> TrialScheduler:
    """Ray's own ASHA with Ray's defaults, as [D] Sec. 4.3.1 has it, over ACE's own iteration counter."""
    return ASHAScheduler(
        time_attr=ITERATION,
        metric=options.metric,
        mode=options.mode,
        max_t=max(options.max_iterations, 2),
        grace_period=1,
        reduction_factor=REDUCTION_FACTOR,
        brackets=1,
    )


_MAKERS: dict[PolicyName, Callable[[str, AceOptions], Policy]] = {
    "no_stopping": _no_stopping,
    "no_stopping_callback": _no_stopping_callback,
    "asha": _asha,
    "asha_callback": _asha_callback,
    "ace": _ace(),
    "ace_hard": _ace(stopping="hard"),
    "ace_noskip": _ace(skip=False),
    "ace_beta_1": _ace(interval="one"),
    "ace_beta_T": _ace(interval="last"),
    "asha_stratum": _asha_stratum(interval="one"),
    "asha_stratum_not_fixed": _asha_stratum(interval="adaptive"),
}
