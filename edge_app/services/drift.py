"""Whether the photos of a line still look like those of the reference; seen before rejects go wrong.

Brightness and focus of every photo and the image score of those that pass are held against the bundle's
reference, latency against the first results on this device. A defect hardly moves the first two, and when
the light fails so badly that nothing passes any more, they still tell why.

Source: control_chart.py; the measures are those of inspector/reference.py.
"""

from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Tuple

from edge_app.services.control_chart import Baseline, Chart, Level
from inspector.manifest import Distribution, Reference

BRIGHTNESS, FOCUS, SCORE, LATENCY = NAMES = ("brightness", "focus", "score", "latency_ms")

# The least deviation that counts, as a share of the mean; for the score, of its room below the threshold.
LEAST_STD: Mapping[str, float] = {BRIGHTNESS: 0.01, FOCUS: 0.05, SCORE: 0.05, LATENCY: 0.25}
SAME_LOOK = (0.002, 0.01)  # relative differences of brightness and focus that noise alone makes
ONLY_HIGH = frozenset((SCORE, LATENCY))

_CAUSES: Mapping[Tuple[str, bool], str] = {
    (BRIGHTNESS, False): "photos are darker than those the model was made for; check lamp, exposure and dirt",
    (BRIGHTNESS, True): "photos are brighter than those the model was made for; check lamp and exposure",
    (
        FOCUS,
        False,
    ): "photos are less sharp than those the model was made for; check focus, dirt, vibration",
    (FOCUS, True): "photos are sharper or noisier than those the model was made for; check gain and focus",
    (SCORE, True): "parts that pass score higher than good parts did; rejects of good parts may come next",
    (LATENCY, True): "inspections take longer than they did at first; check temperature and other programs",
}


@dataclass(frozen=True)
class Observation:
    """What one result tells. `passed`: its verdict is PASS. None where something was not measured."""

    brightness: Optional[float]
    focus: Optional[float]
    score: Optional[float]
    latency_ms: Optional[float]
    passed: bool

    @property
    def look(self) -> Optional[Tuple[float, float]]:
        """Brightness and focus, where both were measured."""
        return None if self.brightness is None or self.focus is None else (self.brightness, self.focus)

    def values(self) -> Dict[str, Optional[float]]:
        """Return the values by name, without the score of a part that did not pass."""
        return {
            BRIGHTNESS: self.brightness,
            FOCUS: self.focus,
            SCORE: self.score if self.passed else None,
            LATENCY: self.latency_ms,
        }


@dataclass(frozen=True)
class DriftFigure:
    """One measurement: its moving average now, what is normal, and where the alarm is.

    `sentence` is empty while the level is `ok`. `average`, `normal` and the limits are None while the first
    results are learned from.
    """

    name: str
    level: Level
    average: Optional[float]
    normal: Optional[float]
    alarm_below: Optional[float]
    alarm_above: Optional[float]
    num_results: int
    sentence: str


@dataclass(frozen=True)
class DriftStatus:
    """The highest level of the figures, and one plain sentence."""

    level: Level
    sentence: str
    figures: Tuple[DriftFigure, ...]


@dataclass(frozen=True)
class DriftMonitor:
    """One chart a measurement; a new monitor begins with every model and every view of a frame.

    look: brightness and focus of the last photo that counted. While a line stands still, the same part would
    count again and again, and one that is a little darker than most would be an alarm: a photo that hardly
    differs from the last one is passed over.
    """

    charts: Mapping[str, Chart]
    look: Optional[Tuple[float, float]] = None

    @classmethod
    def against(cls, reference: Optional[Reference], *, review_threshold: float) -> "DriftMonitor":
        """Return a monitor that compares with the bundle's reference.

        Args:
            reference: None learns from the first results instead: a view that shows only a part of the
                frame looks unlike the whole photos of the reference.
            review_threshold: Of the model; how far the scores of good parts may rise is a matter of their
                room below it.
        """
        baselines = {} if reference is None else _baselines(reference, review_threshold)
        return cls(
            {
                name: Chart(baselines.get(name), least_std=LEAST_STD[name], only_high=name in ONLY_HIGH)
                for name in NAMES
            }
        )

    def seen(self, observation: Observation) -> "DriftMonitor":
        """Return the monitor after one more result."""
        look = observation.look
        if look is not None and self.look is not None and _is_same(look, self.look):
            return self
        values = observation.values()
        charts = {name: _after(chart, values[name]) for name, chart in self.charts.items()}
        return DriftMonitor(charts, self.look if look is None else look)

    def status(self) -> DriftStatus:
        """Return what to tell people."""
        figures = tuple(_figure(name, self.charts[name]) for name in NAMES)
        return summary(figures)


def summary(figures: Tuple[DriftFigure, ...]) -> DriftStatus:
    """Return the highest level among `figures`, with the sentences of the figures that have it."""
    level = max((figure.level for figure in figures), key=list(Level).index, default=Level.OK)
    if all(figure.average is None for figure in figures):
        return DriftStatus(level, "too few photos have been seen to compare them", figures)
    if level is Level.OK:
        return DriftStatus(level, "photos look like those the model was made for", figures)
    sentences = [figure.sentence for figure in figures if figure.level is level]
    return DriftStatus(level, "; ".join(sentences), figures)


def _is_same(look: Tuple[float, float], last: Tuple[float, float]) -> bool:
    return all(abs(now - then) <= share * abs(then) for now, then, share in zip(look, last, SAME_LOOK))


def _after(chart: Chart, value: Optional[float]) -> Chart:
    return chart if value is None else chart.seen(value)


def _baselines(reference: Reference, review_threshold: float) -> Dict[str, Baseline]:
    room = max(0.0, review_threshold - reference.score.mean)
    known: Dict[str, Tuple[Distribution, float]] = {
        BRIGHTNESS: (reference.brightness, reference.brightness.mean),
        FOCUS: (reference.focus, reference.focus.mean),
        SCORE: (reference.score, room),
    }
    return {
        name: Baseline.of(
            mean=described.mean,
            std=described.std,
            num=reference.num_images,
            least_std=max(LEAST_STD[name] * scale, 1e-6),
        )
        for name, (described, scale) in known.items()
    }


def _figure(name: str, chart: Chart) -> DriftFigure:
    low, high = chart.limits or (None, None)
    return DriftFigure(
        name=name,
        level=chart.level,
        average=chart.average,
        normal=None if chart.baseline is None else chart.baseline.mean,
        alarm_below=low,
        alarm_above=high,
        num_results=chart.num,
        sentence="" if chart.level is Level.OK else _sentence(name, chart),
    )


def _sentence(name: str, chart: Chart) -> str:
    is_high = chart.shift > 0
    low, high = chart.limits or (None, None)
    limit = high if is_high else low
    assert chart.baseline is not None
    return (
        f"{name} is {chart.average:.4g}, normally {chart.baseline.mean:.4g} "
        f"(alarm {'above' if is_high else 'below'} {limit:.4g}): {_CAUSES[name, is_high]}"
    )
