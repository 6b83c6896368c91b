"""The candidate operations of ENAS' cells.

Source: Pham et al. (2018), Sec. 2.4: five operations, the same in both kinds of cell.
Differs from the source: the nodes that no other node reads are not the only ones in a cell's output, all are,
as in DARTS: the shared weights behind a cell then fit every sampled cell.
"""

from search.nets.cell.space import OperationSet

_OPERATIONS = ("skip_connect", "sep_3x3", "sep_5x5", "avg_pool_3x3", "max_pool_3x3")
ENAS_OPERATIONS = OperationSet(name="enas", normal=_OPERATIONS, reduce=_OPERATIONS)
EDGES_PER_NODE = 2  # each with an operation of its own; both may come from the same node
