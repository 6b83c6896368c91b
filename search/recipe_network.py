"""The section `network` of a recipe: what is searched, or trained without a search.

Source: design.md, "Recipe", "Genes".
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from search.nets.dual import DUAL_ALPHABETS
from search.nets.peers.nas_unet_genotype import read_genes
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Family, genes_of
from search.recipe_record import Record


class NetworkRecipe(Record):
    """What is searched, or with `genes` (or a family without genes) what is trained without a search."""

    family: Family = "unet"
    space: Literal["unet", "dual"] = Field(
        "unet", description="what is searched: the segmenter, or both networks and their widths"
    )
    genes: str | None = Field(None, description="18 digits, of dual 42: train this network, search nothing")
    width: int = Field(64, ge=1)
    reconstructor_width: int = Field(64, ge=1)
    initialisation: Literal["he", "draem"] = "he"
    retraining_start: Literal["scratch", "supernet"] = Field(
        "scratch", description="what retraining begins with; always scratch without a search"
    )
    reconstructor: bool | None = Field(
        None, description="whether there is one; null: with unet and draem, while the peers stand alone"
    )
    encoder_weights: Path | None = Field(
        None, description="torchvision's file for the encoder of mobile_unet or shuffle_fabric; null: fresh"
    )

    @field_validator("genes")
    @classmethod
    def _digits(cls, genes: str | None, info: ValidationInfo) -> str | None:
        allowed = "".join(str(gene) for gene in range(len(OPERATION_NAMES)))
        length = len(DUAL_ALPHABETS) if info.data.get("space") == "dual" else NUM_NODES
        if genes is None:
            return None
        if info.data.get("family") == "nas_unet":
            if not genes.isdecimal():
                raise ValueError(f"is {genes!r}, but must be digits")
            read_genes(genes_of(genes))
        elif len(genes) != length or set(genes) - set(allowed):
            raise ValueError(f"is {genes!r}, but must be {length} digits out of {allowed}")
        return genes

    @model_validator(mode="after")
    def _fits_the_family(self) -> NetworkRecipe:
        if self.reconstructor is False and self.family == "unet":
            raise ValueError("reconstructor: false is for peers; family unet is searched behind one")
        if self.encoder_weights is not None and self.family not in ("mobile_unet", "shuffle_fabric"):
            raise ValueError(f"encoder_weights are for mobile_unet and shuffle_fabric, not {self.family}")
        return self

    @model_validator(mode="after")
    def _dual_has_widths(self) -> NetworkRecipe:
        if self.space != "dual":
            return self
        if self.family != "unet":
            raise ValueError(f"space dual is one of the family unet, not of {self.family}")
        for name in ("width", "reconstructor_width"):
            width = getattr(self, name)
            if width % 4:
                raise ValueError(f"{name} is {width}, but space dual has quarters: take a multiple of 4")
        return self

    @property
    def is_fixed(self) -> bool:
        return self.family not in ("unet", "nas_unet") or self.genes is not None

    @property
    def has_style_gene(self) -> bool:
        """Whether the style of the defects can be searched along."""
        return self.family == "unet" and self.space == "unet" and self.genes is None

    @property
    def own_reconstructor_width(self) -> int:
        """The reconstructor's width, 0 where there is none."""
        with_one = self.family in ("unet", "draem") if self.reconstructor is None else self.reconstructor
        return self.reconstructor_width if with_one else 0
