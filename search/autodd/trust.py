"""Whether a supernet has learnt enough to rank candidates; the user has to know when it has not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from inspector.console import Console
from search.events import EventLog, latest

# A judgement: at 2.3 times chance the found network was worse than the plain one (docs/results.md).
TRUSTED_OVER_CHANCE = 5.0
TRUSTED_AUROC = 0.8  # a judgement, too


def say_whether_it_ranks(
    log: EventLog, events: Path, *, chance: float, figure: Literal["aupr", "auroc"], console: Console
) -> None:
    """Note the best fitness beside that of a network that has learnt nothing; warn where they are near."""
    best = float(latest(EventLog.read(events), "generation", ["generation"])[-1]["best"])
    log.write("chance", fitness=chance, best=best)
    trusted = TRUSTED_AUROC if figure == "auroc" else TRUSTED_OVER_CHANCE * chance
    if best < trusted:
        console.warn(
            f"the best candidate's fitness is {best:.3f}, where chance is {chance:.3f}: the supernet "
            "learnt too little to rank candidates; raise one_shot.steps, or name network.genes yourself"
        )
