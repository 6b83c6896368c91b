"""The experiment that is killed and restored."""

from typing import Any

NAME = "killed"
T = 16


def scheduler() -> Any:
    from search.ace import AceScheduler

    return AceScheduler("score", "max", constraints={"g": 0.25}, max_iterations=T, interval="one")


def _curve(number: int) -> dict[str, Any]:
    """Scores that rise, some to better ends than others; a constraint that is met early, late or never."""
    top = 0.5 + 0.04 * ((number * 5) % 9)
    objective = [round(top * t / T, 6) for t in range(1, T + 1)]
    constraint = [round(0.6 - 0.03 * t * ((number * 7) % 4), 6) for t in range(1, T + 1)]
    return {"objective": objective, "constraint": constraint, "pause_s": 0.02}


CURVES = [_curve(number) for number in range(9)]
