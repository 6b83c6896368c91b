"""Which convolutions stay in float so that INT8 loses no more than allowed: the fewest that buy the most.

Each block is quantised alone and the error of the score map measured. The more error a block brings for each
of its multiply-adds, the better a bargain it is in float; the best go back, 1, 2, 4, ... of them, until the
loss is allowed, and then as many are taken out again as a bisection allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from export.precision_cost import PrecisionError

MAX_FLOAT_SHARE = 0.5  # of the multiply-adds; with more of them in float little is left to gain

Block = tuple[str, ...]  # names of convolutions that change together


@dataclass(frozen=True)
class Loss:
    """What INT8 costs on trial images.

    aupr: loss of pixel AUPR; negative where it happens to gain.
    error: root mean square difference of the scores. A few drawn defects say little about AUPR, and a gain by
        chance there is none elsewhere; this is measured on every pixel, and bounds what other photos lose.
    """

    aupr: float
    error: float

    def within(self, limit: Loss) -> bool:
        return self.aupr <= limit.aupr and self.error <= limit.error


@dataclass(frozen=True)
class Scan:
    """Which nodes stay in float, the best bargains first.

    float_share: of the multiply-adds of all.  loss: what is left.
    """

    float_nodes: tuple[str, ...]
    float_share: float
    loss: Loss
    num_tried: int


def scan(
    blocks: Mapping[Block, int],
    *,
    loss_of: Callable[[Sequence[str]], Loss],
    error_of: Callable[[Block], float],
    limit: Loss,
) -> Scan:
    """Return the shortest list of float nodes, best bargains first, whose loss is within `limit`.

    Args:
        blocks: All that are quantised, with their multiply-adds.
        loss_of: Loss with these nodes in float.
        error_of: Mean square error of the scores with this block alone quantised; asked only when needed.

    Raises:
        PrecisionError: more than half of the multiply-adds would have to be in float.
    """
    tries = {0: loss_of(())}
    if tries[0].within(limit):
        return Scan((), 0.0, tries[0], 1)
    ranked = sorted(blocks, key=lambda block: error_of(block) / max(1, blocks[block]), reverse=True)
    most = _most_in_float([blocks[block] for block in ranked])
    for count in _doubling(most):
        tries[count] = loss_of(_names(ranked[:count]))
        if tries[count].within(limit):
            break
    else:
        raise PrecisionError(_refusal(tries[max(tries)], limit, most, len(ranked)))
    enough = max(tries)
    too_few = max(count for count in tries if count < enough)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        tries[middle] = loss_of(_names(ranked[:middle]))
        enough, too_few = (middle, too_few) if tries[middle].within(limit) else (enough, middle)
    share = sum(blocks[block] for block in ranked[:enough]) / sum(blocks.values())
    return Scan(_names(ranked[:enough]), share, tries[enough], len(tries))


def _refusal(loss: Loss, limit: Loss, most: int, num_blocks: int) -> str:
    return (
        f"INT8 loses {loss.aupr:.4f} of AUPR and moves scores by {loss.error:.4f} (root mean square) even "
        f"with {most} of {num_blocks} blocks in float; the limits are {limit.aupr:g} and {limit.error:g}; "
        "export with --precision fp32 or raise max_aupr_loss"
    )


def _names(blocks: Sequence[Block]) -> tuple[str, ...]:
    return tuple(name for block in blocks for name in block)


def _most_in_float(macs: Sequence[int]) -> int:
    """Return how many of the first are within the share that may stay in float.

    >>> _most_in_float([1, 2, 3, 10])
    3
    """
    allowed, count = MAX_FLOAT_SHARE * sum(macs), 0
    while count < len(macs) and sum(macs[: count + 1]) <= allowed:
        count += 1
    return count


def _doubling(most: int) -> list[int]:
    """Return 1, 2, 4, ... and `most` itself.

    >>> _doubling(10)
    [1, 2, 4, 8, 10]
    """
    counts = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [*counts, most] if most else []
