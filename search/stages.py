"""What the stages of a run are called, in its events, its checkpoints and its result.

Of a joint search every style of defects has a training of its own: `one_shot-perlin`, `one_shot-scar`, ...
"""

from __future__ import annotations

from collections.abc import Sequence

ONE_SHOT = "one_shot"
_TITLES = {ONE_SHOT: "one-shot training", "cells": "search of cells", "retraining": "retraining"}


def one_shot_stages(styles: Sequence[str]) -> list[str]:
    """Name the training of each style's supernet; where there is one style, there is one such stage."""
    return [ONE_SHOT] if len(styles) == 1 else [f"{ONE_SHOT}-{style}" for style in styles]


def kind_of(stage: str) -> str:
    """Return the stage without its style.

    >>> kind_of("one_shot-scar")
    'one_shot'
    """
    return stage.partition("-")[0]


def style_of(stage: str) -> str:
    """Return the style of a stage, empty where it has none.

    >>> style_of("one_shot-scar")
    'scar'
    """
    return stage.partition("-")[2]


def title_of(stage: str) -> str:
    """Return what a progress bar says of the training of a stage.

    >>> title_of("one_shot-scar")
    'one-shot training, scar'
    """
    title, style = _TITLES[kind_of(stage)], style_of(stage)
    return f"{title}, {style}" if style else title
