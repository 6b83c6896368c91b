"""Table 5.2: AutoDD's network trained with each style of synthetic defects, and styles searched along.

Source: [D] Table 5.2, Sec. 5.3.3: AutoDD's found network is trained with the other styles; `joint` searches
the style together with the operations.
Differs from the source: nothing that it says; the styles are those of search/defects.
"""

from __future__ import annotations

from typing import ClassVar

from search.reproduce.chapter_5 import AVERAGE, Chapter5, Method

JOINT_STYLES = ("perlin", "cutout", "cutpaste", "scar")


def _style(style: str, label: str, aupr: str, auroc: str) -> Method:
    changes = {"defects": {"style": style}}
    return Method(style, label, {AVERAGE: (aupr, auroc)}, changes=changes, genes_of="perlin")


class Table52(Chapter5):
    name: ClassVar[str] = "table-5.2"
    title: ClassVar[str] = "Styles of synthetic defects, measured on real ones"
    source: ClassVar[str] = "[D] Table 5.2"
    column: ClassVar[str] = "style"
    methods: ClassVar[tuple[Method, ...]] = (
        Method("perlin", "Perlin", {AVERAGE: ("79.30", "97.60")}, searches=True),
        _style("cutout", "Cutout", "44.25", "80.27"),
        _style("cutpaste", "CutPaste", "55.35", "91.58"),
        _style("scar", "Scar", "48.64", "87.01"),
        Method(
            "joint",
            "Joint search",
            {AVERAGE: ("74.37", "96.14")},
            changes={"defects": {"style": "joint", "joint_styles": list(JOINT_STYLES)}},
            searches=True,
        ),
    )
