"""Table 5.1: AutoDD and its peers on real defects.

Source: [D] Table 5.1, Sec. 5.3.2.
Differs from the source: where [D] leaves open what a peer is, docs/decisions/0012-what-the-peers-are.md says
what is built here. AutoAD has no public code: its row is the published AUROC.
"""

from __future__ import annotations

from typing import Any, ClassVar

from search.reproduce.chapter_5 import NO_LIMITS, Chapter5, Method
from search.reproduce.experiment import Options, Row

CLASSES = ("bottle", "cable", "capsule", "hazelnut", "metal_nut", "average")
PUBLISHED: dict[str, str] = {
    "draem": "90.18/99.30 64.36/95.90 45.03/95.00 87.67/99.59 91.19/98.77 75.69/97.71",
    "mobile-unet": "80.36/98.24 31.61/87.11 42.63/92.21 85.25/99.05 80.82/96.25 64.13/94.57",
    "shuffle-fabric": "50.26/75.35 21.43/75.77 16.62/77.91 64.62/97.97 70.69/93.03 44.72/84.01",
    "scunet": "11.24/64.81 3.53/60.83 1.03/59.61 25.23/79.76 33.21/83.08 14.85/69.62",
    "nas-unet": "55.19/76.82 13.23/75.90 18.29/77.13 66.09/96.31 37.90/73.11 38.14/79.85",
    "autoad": "–/93.00 –/87.00 –/95.00 –/97.00 –/88.00 –/92.00",
    "autodd": "90.79/99.21 63.93/95.21 56.64/94.40 88.92/99.71 96.21/99.45 79.30/97.60",
}
PRETRAINED = "encoder from scratch, as [D] trains it; no pretrained weights are at hand offline"


def published(key: str) -> dict[str, tuple[str, str]]:
    """Return what [D] prints for a method: class or `average` -> AUPR and AUROC in percent."""
    cells = [cell.split("/") for cell in PUBLISHED[key].split(" ")]
    return {name: (aupr, auroc) for name, (aupr, auroc) in zip(CLASSES, cells, strict=True)}


def _peer(family: str, label: str, *, note: str = "", **more: Any) -> Method:
    key = family.replace("_", "-")
    changes = {"network": {"family": family, "initialisation": "he"}, "limits": NO_LIMITS}
    return Method(key, label, published(key), changes=changes, note=note, **more)


class Table51(Chapter5):
    name: ClassVar[str] = "table-5.1"
    title: ClassVar[str] = "AutoDD and its peers: pixels of real defects"
    source: ClassVar[str] = "[D] Table 5.1"
    methods: ClassVar[tuple[Method, ...]] = (
        Method("autodd", "AutoDD", published("autodd"), searches=True),
        Method(
            "draem",
            "DRAEM",
            published("draem"),
            changes={"network": {"family": "draem"}, "limits": NO_LIMITS},
            reconstructor_share=2.0,
            note="reconstructor twice as wide as the segmenter, as in DRAEM's own code",
        ),
        _peer("mobile_unet", "Mobile-UNet", note=PRETRAINED),
        _peer("shuffle_fabric", "Shuffle-fabric", note=PRETRAINED),
        _peer("scunet", "SCUNet"),
        _peer("nas_unet", "NAS-UNet", searches=True),
        Method(
            "autoad",
            "AutoAD",
            published("autoad"),
            runs=False,
            note="no public code: the published AUROC alone",
        ),
    )

    def rows(self, options: Options) -> list[Row]:
        """Return the rows; what is noted of a method is noted once."""
        noted: set[str] = set()
        rows = []
        for row in super().rows(options):
            note = "" if row.note in noted else row.note
            noted.add(row.note)
            rows.append(Row(row.key, row.labels, row.published, row.runs, note))
        return rows
