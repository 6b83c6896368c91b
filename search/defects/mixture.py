"""Several styles as one: each sample is drawn by one of them, chosen at random by its share."""

from collections.abc import Sequence

import numpy as np

from inspector.errors import RecipeError
from search.defects.style import Defective, DefectStyle, Frame


class MixedDefects:
    """Draws with one of `styles`, each as often as its share says; shares need not add up to one.

    Raises:
        RecipeError: a share is negative, or none is above zero.
    """

    def __init__(self, styles: Sequence[DefectStyle], shares: Sequence[float]) -> None:
        if len(styles) != len(shares) or not styles:
            raise ValueError(f"{len(styles)} styles but {len(shares)} shares; give one share a style")
        total = float(sum(shares))
        if min(shares) < 0 or total <= 0:
            raise RecipeError(
                f"the shares of the mixed defects are {list(shares)}; "
                "give numbers of zero or more, at least one above zero"
            )
        self._styles = tuple(styles)
        self._limits = np.cumsum(shares) / total

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        chosen = int(np.searchsorted(self._limits, rng.random(), side="right"))
        return self._styles[min(chosen, len(self._styles) - 1)](frame, rng)
