"""What has to be known to build a network: its family, genes and widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["unet", "draem", "mobile_unet", "shuffle_fabric", "scunet", "nas_unet"]
Genes = tuple[int, ...]

NUM_NODES = 18
OPERATION_NAMES = ("conv", "sep", "atrous")  # genes 0, 1, 2 of the space `unet`
NUM_RECONSTRUCTOR_NODES = 22  # searched in the space `dual` alone
WIDTH_SHARES = (0.25, 0.5, 1.0)  # width genes 0, 1, 2 of the space `dual`, of the widest


@dataclass(frozen=True)
class NetworkSpec:
    """A reconstructor and a segmenter, before any weight exists.

    Args:
        family: `unet` is searched by AutoDD; `draem` is DRAEM's own pair; the others are peers, which stand
            alone (docs/decisions/0012-what-the-peers-are.md).
        genes: 18 operations of a `unet`, encoder nodes 0-8 then decoder nodes 9-17; the 24 digits of a
            `nas_unet` (search/nets/peers/nas_unet_genotype.py); empty for the others.
        width: Channels w of the segmenter's first level; a peer is as published at 64.
        reconstructor_width: Channels of the reconstructor's first level; 0: there is none, and the segmenter
            sees the image alone.
        reconstructor_genes: 22 operations of the reconstructor, encoder nodes 0-9 then decoder nodes 10-21;
            empty for DRAEM's own, whose convolutions have a bias.
    """

    family: Family
    genes: Genes
    width: int
    reconstructor_width: int
    reconstructor_genes: Genes = ()

    @property
    def digits(self) -> str:
        """The genes written as digits; empty for a family without genes."""
        return digits_of(self.genes)

    def as_dict(self) -> dict[str, Any]:
        record = {
            "family": self.family,
            "genes": self.digits,
            "width": self.width,
            "reconstructor_width": self.reconstructor_width,
        }
        if self.reconstructor_genes:
            record["reconstructor_genes"] = digits_of(self.reconstructor_genes)
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> NetworkSpec:
        return cls(
            family=record["family"],
            genes=genes_of(record["genes"]),
            width=int(record["width"]),
            reconstructor_width=int(record["reconstructor_width"]),
            reconstructor_genes=genes_of(record.get("reconstructor_genes", "")),
        )


def digits_of(genes: Genes) -> str:
    """Write genes as digits.

    >>> digits_of((0, 2, 1))
    '021'
    """
    return "".join(str(gene) for gene in genes)


def genes_of(digits: str) -> Genes:
    """Read genes from digits; the inverse of `digits_of`."""
    return tuple(int(digit) for digit in digits)
