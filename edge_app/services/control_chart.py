"""A control chart over a stream of measurements: has their mean left that of the reference?

An exponentially weighted moving average (EWMA) of the standardised values is held against a limit that also
allows for the reference's own mean being an estimate from `num` values.

Source: Roberts, "Control chart tests based on geometric moving averages" (Technometrics 1, 1959); Lucas and
Saccucci, "Exponentially weighted moving average control schemes" (Technometrics 32, 1990) for the limit
L sqrt(weight / (2 - weight)); Jones, Champ and Rigdon, "The performance of EWMA charts with estimated
parameters" (Technometrics 43, 2001) for why few reference values need wider limits.
Differs from the source: the limit's variance has 1 / num added; standardised values are clipped, so that one
odd part cannot alarm; a shift of less than 1.25 standard deviations never alarms, however sure it is.

False alarms, by simulation (tests/edge_app/test_drift.py), of 1,000 lines with a reference of their own and
10,000 results without drift each: normal values 5, 3, 0 lines with a reference of 10, 20, 100 parts; strongly
skewed (lognormal, 0.5) 21, 18, 0 lines.
"""

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Optional, Sequence, Tuple

WEIGHT = 0.05  # lambda of the sources: about 40 results are remembered
ALARM_SIGMAS = 5.0  # L of the sources
WATCH_SHARE = 0.7  # of the alarm's limit
LEAST_SHIFT = 1.25  # standard deviations: less does not matter
CLIP = 4.0
NUM_LEARN = 50


class Level(str, Enum):
    """How far a measurement has drifted."""

    OK = "ok"
    WATCH = "watch"
    ALARM = "alarm"


@dataclass(frozen=True)
class Baseline:
    """What is normal: mean and standard deviation of `num` values; the deviation is safe to divide by."""

    mean: float
    std: float
    num: int

    @classmethod
    def of(cls, *, mean: float, std: float, num: int, least_std: float) -> "Baseline":
        """Return the baseline for a measured deviation, enlarged as few values understate it.

        Args:
            least_std: A deviation that means nothing in practice; a smaller measured one is raised to it.
        """
        if num > 1:
            std *= math.sqrt(num / (num - 1)) * (1 + 1 / math.sqrt(2 * (num - 1)))
        return cls(mean, max(std, least_std), num)

    @classmethod
    def learned(cls, values: Sequence[float], *, least_std: float) -> "Baseline":
        """Return the baseline of the first values themselves."""
        mean = math.fsum(values) / len(values)
        std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        return cls.of(mean=mean, std=std, num=len(values), least_std=least_std)

    @property
    def alarm_shift(self) -> float:
        """How many standard deviations the average may leave the mean before there is an alarm."""
        return max(LEAST_SHIFT, ALARM_SIGMAS * math.sqrt(WEIGHT / (2 - WEIGHT) + 1 / self.num))


@dataclass(frozen=True)
class Chart:
    """The state of one chart. Without a baseline it learns one from the first `NUM_LEARN` values.

    least_std: see `Baseline.of`, as a share of the learned mean.  only_high: a low average is no drift.
    shift: the average's distance from the mean in standard deviations.
    """

    baseline: Optional[Baseline] = None
    least_std: float = 0.0
    only_high: bool = False
    shift: float = 0.0
    num: int = 0
    first: Tuple[float, ...] = ()

    def seen(self, value: float) -> "Chart":
        """Return the chart after one more value; one that is no number is passed over."""
        if not math.isfinite(value):
            return self
        if self.baseline is None:
            return self._learn(value)
        standardised = (value - self.baseline.mean) / self.baseline.std
        clipped = min(max(standardised, -CLIP), CLIP)
        return replace(self, shift=self.shift + WEIGHT * (clipped - self.shift), num=self.num + 1)

    @property
    def average(self) -> Optional[float]:
        """The moving average in the measurement's own unit; None before the first value."""
        if self.baseline is None or self.num == 0:
            return None
        return self.baseline.mean + self.shift * self.baseline.std

    @property
    def limits(self) -> Optional[Tuple[Optional[float], float]]:
        """The averages at which there is an alarm; no low one where a low average is no drift."""
        if self.baseline is None:
            return None
        room = self.baseline.alarm_shift * self.baseline.std
        return (None if self.only_high else self.baseline.mean - room), self.baseline.mean + room

    @property
    def level(self) -> Level:
        """How far the average has drifted."""
        if self.baseline is None:
            return Level.OK
        shift = self.shift if self.only_high else abs(self.shift)
        if shift >= self.baseline.alarm_shift:
            return Level.ALARM
        return Level.WATCH if shift >= WATCH_SHARE * self.baseline.alarm_shift else Level.OK

    def _learn(self, value: float) -> "Chart":
        first = (*self.first, value)
        if len(first) < NUM_LEARN:
            return replace(self, first=first)
        least_std = self.least_std * abs(math.fsum(first) / len(first))
        return replace(self, baseline=Baseline.learned(first, least_std=least_std), first=())
