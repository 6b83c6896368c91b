"""What the 42 genes of the space `dual` say: the operations of both networks, and their widths.

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

NUM_OPERATION_GENES = NUM_NODES + NUM_RECONSTRUCTOR_NODES
DUAL_ALPHABETS = (*(len(OPERATION_NAMES),) * NUM_OPERATION_GENES, len(WIDTH_SHARES), len(WIDTH_SHARES))


@dataclass(frozen=True)
class DualPath:
    """The genes of `dual`, taken apart.

    segmenter: 18 operations.  reconstructor: 22 operations: encoder nodes 0-9, decoder nodes 10-21.
    segmenter_level, reconstructor_level: the widths, indices into `WIDTH_SHARES`.
    """

    segmenter: Genes
    reconstructor: Genes
    segmenter_level: int
    reconstructor_level: int

    @classmethod
    def of(cls, genes: Genes) -> DualPath:
        segmenter_level, reconstructor_level = genes[NUM_OPERATION_GENES:]
        operations = genes[:NUM_OPERATION_GENES]
        return cls(operations[:NUM_NODES], operations[NUM_NODES:], segmenter_level, reconstructor_level)

    def spec(self, *, width: int, reconstructor_width: int) -> NetworkSpec:
        """Return the network of these genes, whose widest networks have the given widths."""
        return NetworkSpec(
            "unet",
            self.segmenter,
            int(width * WIDTH_SHARES[self.segmenter_level]),
            int(reconstructor_width * WIDTH_SHARES[self.reconstructor_level]),
            reconstructor_genes=self.reconstructor,
        )
