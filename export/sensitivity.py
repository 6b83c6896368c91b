"""Which convolutions stay in float so that INT8 loses no more than allowed: the fewest of the worst ones.

Each convolution is quantised alone and the error of the score map measured; the worst are put back to float,
1, 2, 4, ... of them, until the loss is allowed, and then as many taken out again as a bisection allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from export.precision_cost import PrecisionError

MAX_FLOAT_SHARE = 0.5  # of the convolutions; with more of them in float nothing is left to gain


@dataclass(frozen=True)
class Scan:
    """Which nodes stay in float, worst first, and the loss of AUPR that is left."""

    float_nodes: tuple[str, ...]
    loss: float
    num_tried: int


def scan(
    nodes: Sequence[str],
    *,
    loss_of: Callable[[Sequence[str]], float],
    error_of: Callable[[str], float],
    max_loss: float,
) -> Scan:
    """Return the shortest list of float nodes, worst first, whose loss is at most `max_loss`.

    Args:
        nodes: All that are quantised.
        loss_of: Loss of AUPR with these nodes in float.
        error_of: Error of the score map with this node alone quantised; asked only when needed.

    Raises:
        PrecisionError: more than half of the nodes would have to stay in float.
    """
    tries: dict[int, float] = {0: loss_of(())}
    if tries[0] <= max_loss:
        return Scan((), tries[0], 1)
    worst = sorted(nodes, key=error_of, reverse=True)
    most = int(MAX_FLOAT_SHARE * len(worst))
    for count in _doubling(most):
        tries[count] = loss_of(worst[:count])
        if tries[count] <= max_loss:
            break
    else:
        raise PrecisionError(
            f"INT8 loses {min(tries.values()):.4f} of AUPR even with {most} of {len(worst)} convolutions in "
            f"float, the scan's limit is {max_loss:g}; export with --precision fp32 or raise max_aupr_loss"
        )
    enough = max(tries)
    too_few = max(count for count in tries if count < enough)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        tries[middle] = loss_of(worst[:middle])
        enough, too_few = (middle, too_few) if tries[middle] <= max_loss else (enough, middle)
    return Scan(tuple(worst[:enough]), tries[enough], len(tries))


def _doubling(most: int) -> list[int]:
    """Return 1, 2, 4, ... and `most` itself.

    >>> _doubling(10)
    [1, 2, 4, 8, 10]
    """
    counts = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [*counts, most] if most else []
