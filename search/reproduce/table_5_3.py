"""Table 5.3: random search and evolution, by AUPR or AUROC.

Source: [D] Table 5.3, Sec. 5.3.4.
Differs from the source: the three searches share one supernet, which does not depend on the searcher.
"""

from __future__ import annotations

from typing import ClassVar

from search.reproduce.chapter_5 import AVERAGE, Chapter5, Method


def _searcher(key: str, label: str, searcher: str, fitness: str, printed: tuple[str, str]) -> Method:
    return Method(
        key,
        label,
        {AVERAGE: printed},
        changes={"evolution": {"searcher": searcher, "fitness": fitness}},
        searches=True,
        supernet_of="" if key == "ea-aupr" else "ea-aupr",
    )


class Table53(Chapter5):
    name: ClassVar[str] = "table-5.3"
    title: ClassVar[str] = "Searchers and fitness, measured on real defects"
    source: ClassVar[str] = "[D] Table 5.3"
    column: ClassVar[str] = "searcher"
    methods: ClassVar[tuple[Method, ...]] = (
        _searcher("ea-aupr", "EA, AUPR (AutoDD)", "evolution", "aupr", ("78.02", "97.18")),
        _searcher("random-aupr", "random, AUPR", "random", "aupr", ("75.55", "97.12")),
        _searcher("random-auroc", "random, AUROC", "random", "auroc", ("74.85", "97.24")),
    )
