"""The robustness of a network as a failure rate: verdicts that change although the part is the same.

A failure is a good image that passed and FAILs after a perturbation, or a defect that was found and is lost.
What the network got wrong before the perturbation is no case: that is what the objective and the false
rejects are about.

Source: failure rate of invariance tests, CheckList (ACL 2020); [D] Sec. 4.3.3 (average failure rate).
Differs from the source: cases of all kinds are counted together, since every kind has as many of them.

Shape letters:  N images   H, W rows, columns
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inspector.postprocess import Judgement, Thresholds, Verdict, judge
from search.streams import Purpose, stream
from search.tune.perturbations import Frame, Mask, Seen, perturb

ScoreMaps = npt.NDArray[np.float32]  # (N, H, W)
Score = Callable[[Sequence[Frame]], ScoreMaps]


@dataclass(frozen=True)
class Suite:
    """Good frames and frames with a synthetic defect, and what a camera makes of them; alike for all trials.

    originals: the mask of a good frame is empty.
    perturbed: by kind; the strengths one after the other, each with all originals in their order.
    """

    originals: tuple[Seen, ...]
    perturbed: Mapping[str, tuple[Seen, ...]]


@dataclass(frozen=True)
class Failures:
    """Cases and failures by kind of perturbation."""

    num_cases: Mapping[str, int]
    num_failed: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Failures over all cases; 1 where there is no case, so that a network right about nothing fails."""
        cases = sum(self.num_cases.values())
        return sum(self.num_failed.values()) / cases if cases else 1.0

    def by_kind(self) -> dict[str, float | None]:
        """Return the failure rate of each kind, None where it has no case."""
        return {
            kind: self.num_failed[kind] / cases if cases else None for kind, cases in self.num_cases.items()
        }


def draw_suite(originals: Sequence[Seen], strengths: Mapping[str, Sequence[float]], *, seed: int) -> Suite:
    """Perturb every original with every strength of every kind.

    The directions drawn depend on the seed, the kind and the place of the original alone: stronger is more of
    the same.
    """
    perturbed = {
        kind: tuple(
            perturb(*original, kind=kind, strength=strength, rng=_rng(seed, kind, number))
            for strength in values
            for number, original in enumerate(originals)
        )
        for kind, values in strengths.items()
    }
    return Suite(tuple(originals), perturbed)


def failures(suite: Suite, score: Score, thresholds: Thresholds) -> Failures:
    """Judge every picture of the suite and count what changed."""
    before = _right(suite.originals, score, thresholds)
    num_cases, num_failed = {}, {}
    for kind, pictures in suite.perturbed.items():
        after = _right(pictures, score, thresholds)
        was_right = np.tile(before, len(pictures) // len(before))
        num_cases[kind] = int(was_right.sum())
        num_failed[kind] = int((was_right & ~after).sum())
    return Failures(num_cases, num_failed)


def is_right(judgement: Judgement, mask: Mask) -> bool:
    """Return whether a good image (empty mask) does not FAIL, or a region that does touches the defect."""
    failed = judgement.verdict is Verdict.FAIL
    if not mask.any():
        return not failed
    return failed and bool((judgement.mask & mask).any())


def _right(pictures: Sequence[Seen], score: Score, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    maps = score([picture.frame for picture in pictures])
    return np.array(
        [is_right(judge(one, thresholds), picture.mask) for one, picture in zip(maps, pictures, strict=True)]
    )


def _rng(seed: int, kind: str, number: int) -> np.random.Generator:
    # The checksum of the name: another kind in the suite changes no picture of this one.
    return stream(Purpose.PERTURBATION, seed=seed, number=zlib.crc32(kind.encode()), second=number)
