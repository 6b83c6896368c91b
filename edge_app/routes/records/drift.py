"""Whether photos still look like those that the model was made for."""

from typing import List, Optional

from pydantic import Field

from edge_app.routes.records.record import DIGITS, Record
from edge_app.services.control_chart import Level
from edge_app.services.drift import DriftFigure
from edge_app.services.drift_watch import DriftReport, SourceDrift


class DriftFigureOut(Record):
    """One measurement; numbers are null while the first results are learned from."""

    name: str = Field(description="`brightness`, `focus`, `score` or `latency_ms`.")
    level: Level
    average: Optional[float] = Field(description="Moving average now.")
    normal: Optional[float]
    alarm_below: Optional[float]
    alarm_above: Optional[float]
    num_results: int
    sentence: str = Field(description="What to check; empty while the level is `ok`.")

    @classmethod
    def of(cls, figure: DriftFigure) -> "DriftFigureOut":
        return cls(
            name=figure.name,
            level=figure.level,
            average=_rounded(figure.average),
            normal=_rounded(figure.normal),
            alarm_below=_rounded(figure.alarm_below),
            alarm_above=_rounded(figure.alarm_above),
            num_results=figure.num_results,
            sentence=figure.sentence,
        )


class SourceDriftOut(Record):
    """How the photos of one source do."""

    source: str
    level: Level
    sentence: str
    figures: List[DriftFigureOut]

    @classmethod
    def of(cls, drift: SourceDrift) -> "SourceDriftOut":
        return cls(
            source=drift.source,
            level=drift.status.level,
            sentence=drift.status.sentence,
            figures=[DriftFigureOut.of(figure) for figure in drift.status.figures],
        )


class DriftOut(Record):
    """The highest level among the sources, and each of them."""

    level: Level
    sentence: str
    sources: List[SourceDriftOut]

    @classmethod
    def of(cls, report: DriftReport) -> "DriftOut":
        return cls(
            level=report.level,
            sentence=report.sentence,
            sources=[SourceDriftOut.of(source) for source in report.sources],
        )


def _rounded(value: Optional[float]) -> Optional[float]:
    return None if value is None else round(float(value), DIGITS)
