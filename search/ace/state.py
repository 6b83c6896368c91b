"""The books of one experiment: what was reported, what is best, and who is stopped.

Source: [D] Algorithm 3, lines 7-25; facts/search_algorithms.md, section C, rules 1 to 5.
Differs from the source: a report that comes again, as after a restore, counts once. H.f* never
rises, so reports of concurrent trials may come in any order.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.ace.options import AceOptions
from search.ace.ranking import Ranking, make_ranking
from search.ace.record import Record, read_record
from search.ace.stratum import Stratum, is_rung, is_truncated, truncation_quota
from search.ace.violation import TypicalViolations, Violations, order_key, violations


@dataclass(frozen=True)
class Verdict:
    """Whether a trial goes on, and the numbers that decided it.

    Attributes:
        size: Reports in its group, its own included; 0 where no group was asked.
        quota: Places that the group gives up.
        worse_or_equal: How many of the others are as bad or worse.
    """

    keep: bool
    stratum: Stratum
    iteration: int
    why: str = ""
    size: int = 0
    quota: int = 0
    worse_or_equal: int = 0


@dataclass(frozen=True)
class Standing:
    """What trials have to know of all others.

    Attributes:
        best_feasible_loss: H.f*, infinite while nothing is feasible.
        constraint_cost_s: Mean C1 of all evaluations; None while there is none.
    """

    best_feasible_loss: float = math.inf
    constraint_cost_s: float | None = None


class AceState:
    """Everything that ACE knows of an experiment; no Ray.

    `record` and `judge` cost O(log n) for up to one constraint, and one pass over the group for several.
    Memory grows by one record a report.
    """

    def __init__(self, options: AceOptions) -> None:
        self.options = options
        self.best: Record | None = None
        self.stops: dict[str, Verdict] = {}
        self._trials: dict[str, dict[int, Record]] = {}
        self._groups: dict[tuple[Stratum, int], Ranking] = {}
        self._typical = TypicalViolations(len(options.constraints))
        self._cost_sum_s = 0.0
        self._num_costs = 0
        self._num_records = 0

    def __len__(self) -> int:
        return self._num_records

    def record(self, trial_id: str, result: Mapping[str, Any]) -> Record:
        """Enter a flat Ray result and return its record.

        Raises:
            AceError: the objective is missing or is no number.
        """
        return self.add(read_record(trial_id, result, self.options))

    def add(self, record: Record) -> Record:
        """Enter a record and return the one that stands.

        It replaces an earlier one of the same trial and iteration, unless only the earlier has constraint
        values: a trial that is repeated after a restore may skip what it measured before.
        """
        course = self._trials.setdefault(record.trial_id, {})
        known = course.get(record.iteration)
        if known is not None:
            if known.g is not None and record.g is None:
                return known
            self._take_out(known)
        course[record.iteration] = record
        self._put_in(record)
        return record

    def judge(self, record: Record) -> Verdict:
        """Return whether the trial of an entered record goes on (Algorithm 3, lines 17-25)."""
        verdict = self._judge(record)
        if not verdict.keep:
            self.stops[record.trial_id] = verdict
        return verdict

    def standing(self) -> Standing:
        """Return what trials have to know of all others."""
        mean_s = self._cost_sum_s / self._num_costs if self._num_costs else None
        return Standing(self.best.loss if self.best else math.inf, mean_s)

    def trials(self) -> list[str]:
        """Return the trials that reported, in the order of their first report."""
        return list(self._trials)

    def course(self, trial_id: str) -> list[Record]:
        """Return the records of one trial by iteration."""
        course = self._trials.get(trial_id, {})
        return [course[iteration] for iteration in sorted(course)]

    def records(self) -> Iterator[Record]:
        """Yield all records, trial by trial."""
        for course in self._trials.values():
            yield from course.values()

    def closest(self) -> Record | None:
        """Return the invalid record that misses the constraints by least, None where nothing was invalid."""
        typical = self._typical.values()
        invalid = (record for record in self.records() if record.stratum is Stratum.INVALID)
        return min(
            invalid, key=lambda item: (*order_key(self.excess(item), typical), item.loss), default=None
        )

    def excess(self, record: Record) -> Violations:
        """Return the violations by which a record is ranked; empty unless it is invalid."""
        if record.g is None or record.stratum is not Stratum.INVALID:
            return ()
        return violations(record.g, self.options.thresholds)

    def _judge(self, record: Record) -> Verdict:
        options, where = self.options, (record.stratum, record.iteration)
        if options.stopping == "none" or not self._is_judged(record.iteration):
            return Verdict(True, *where)
        if options.stopping == "hard" and record.stratum is Stratum.INVALID:
            return Verdict(False, *where, why=f"it violates a constraint at iteration {record.iteration}")
        group = self._groups[where]
        size = len(group)
        count = group.worse_or_equal(self.excess(record), record.loss, self._typical.values())
        quota = truncation_quota(size, truncation=options.truncation)
        keep = not is_truncated(size=size, worse_or_equal=count, truncation=options.truncation)
        why = "" if keep else _reason(record, size, quota, count)
        return Verdict(keep, *where, why=why, size=size, quota=quota, worse_or_equal=count)

    def _is_judged(self, iteration: int) -> bool:
        if self.options.spacing == "linear":
            return True
        return is_rung(iteration, reduction_factor=self.options.reduction_factor)

    def _put_in(self, record: Record) -> None:
        excess = self.excess(record)
        where = (record.stratum, record.iteration)
        if where not in self._groups:
            self._groups[where] = make_ranking(len(excess))
        self._groups[where].add(excess, record.loss)
        self._num_records += 1
        if record.constraint_cost_s is not None:
            self._cost_sum_s += record.constraint_cost_s
            self._num_costs += 1
        if record.stratum is Stratum.INVALID:
            self._typical.add(excess)
        elif record.stratum is Stratum.VALID and (self.best is None or record.loss < self.best.loss):
            self.best = record  # H.f*, line 9; never rises

    def _take_out(self, record: Record) -> None:
        excess = self.excess(record)
        self._groups[(record.stratum, record.iteration)].remove(excess, record.loss)
        self._num_records -= 1
        if record.constraint_cost_s is not None:
            self._cost_sum_s -= record.constraint_cost_s
            self._num_costs -= 1
        if record.stratum is Stratum.INVALID:
            self._typical.remove(excess)


def _reason(record: Record, size: int, quota: int, count: int) -> str:
    by = "violation" if record.stratum is Stratum.INVALID else "objective"
    return (
        f"its {by} is among the worst {quota} of {size} reports of stratum {record.stratum.value} "
        f"at iteration {record.iteration} ({count} of the others are as bad or worse)"
    )
