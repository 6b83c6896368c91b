"""What an experiment with one trial at a time must come to, by a plain walk over its curves."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.ace.options import AceOptions
from search.ace.record import Record, make_record
from search.ace.state import AceState


def walk(curves: Sequence[Mapping[str, Any]], options: AceOptions) -> tuple[AceState, list[list[Record]]]:
    """Return the books and each trial's records, for interval `one`, in the order of the curves."""
    state, best, trials = AceState(options), math.inf, []
    for number, curve in enumerate(curves):
        records: list[Record] = []
        for t in range(1, options.max_iterations + 1):
            if curve.get("crash_at") == t:
                break
            loss = options.loss(_at(curve["objective"], t))
            g = (_at(curve["constraint"], t),) if math.isfinite(loss) and loss <= best else None
            records.append(state.add(make_record(str(number), t, loss=loss, g=g, options=options)))
            if g is not None and g[0] <= options.thresholds[0]:
                best = min(best, loss)
            if t < options.max_iterations and not state.judge(records[-1]).keep:
                break
        trials.append(records)
    return state, trials


def plain(records: Sequence[Record]) -> list[tuple[int, float, str]]:
    """Return what can be compared: no identity and no cost."""
    return [(record.iteration, record.loss, str(record.g)) for record in records]


def _at(values: Sequence[float | None], t: int) -> float:
    value = values[min(t, len(values)) - 1]
    return math.nan if value is None else float(value)
