"""What the 42 genes of the space `dual` say: the operations of both networks, and their widths.

They stand in the order in which a frame meets them, so that candidates with the same first genes share what
those compute: the reconstructor's width, its 22 nodes, the segmenter's width, its 18 nodes.

Source: design.md, "Genes": `dual` adds the reconstructor's nodes and the widths.
"""

from __future__ import annotations

from dataclasses import dataclass

from search.nets.spec import (
    NUM_NODES,
    NUM_RECONSTRUCTOR_NODES,
    OPERATION_NAMES,
    WIDTH_SHARES,
    Genes,
    NetworkSpec,
)

RECONSTRUCTOR_WIDTH_GENE = 0
SEGMENTER_WIDTH_GENE = 1 + NUM_RECONSTRUCTOR_NODES
DUAL_ALPHABETS = (
    len(WIDTH_SHARES),
    *(len(OPERATION_NAMES),) * NUM_RECONSTRUCTOR_NODES,
    len(WIDTH_SHARES),
    *(len(OPERATION_NAMES),) * NUM_NODES,
)


@dataclass(frozen=True)
class DualPath:
    """The genes of `dual`, taken apart.

    reconstructor_level, segmenter_level: the widths, indices into `WIDTH_SHARES`.
    reconstructor: 22 operations: encoder nodes 0-9, decoder nodes 10-21.  segmenter: 18 operations.
    """

    reconstructor_level: int
    reconstructor: Genes
    segmenter_level: int
    segmenter: Genes

    @classmethod
    def of(cls, genes: Genes) -> DualPath:
        return cls(
            genes[RECONSTRUCTOR_WIDTH_GENE],
            genes[RECONSTRUCTOR_WIDTH_GENE + 1 : SEGMENTER_WIDTH_GENE],
            genes[SEGMENTER_WIDTH_GENE],
            genes[SEGMENTER_WIDTH_GENE + 1 :],
        )

    @property
    def genes(self) -> Genes:
        """The genes that this path was taken from."""
        return (self.reconstructor_level, *self.reconstructor, self.segmenter_level, *self.segmenter)

    def spec(self, *, width: int, reconstructor_width: int) -> NetworkSpec:
        """Return the network of these genes, whose widest networks have the given widths."""
        return NetworkSpec(
            "unet",
            self.segmenter,
            int(width * WIDTH_SHARES[self.segmenter_level]),
            int(reconstructor_width * WIDTH_SHARES[self.reconstructor_level]),
            reconstructor_genes=self.reconstructor,
        )
