"""The parity gate: on real images the exported network gives the answers of the trained one.

Source: design.md, section 4, "Parity".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inspector.errors import ParityError
from inspector.manifest import FP32_TOLERANCE, ParityRecord
from inspector.postprocess import Thresholds, judge, smooth

MIN_IMAGES = 16
ANY_DIFFERENCE = 1.0  # the limit at reduced precision, where verdicts and AUPR count


def compare(
    expected: Sequence[np.ndarray],
    found: Sequence[np.ndarray],
    *,
    thresholds: Thresholds,
    num_damaged: int = 0,
    limit: float = FP32_TOLERANCE,
) -> ParityRecord:
    """Compare score maps (H, W) of the trained network with those of the exported one, image by image.

    Args:
        num_damaged: How many of the images are copies with a drawn defect; the others are as photographed.
        limit: Largest allowed difference of any value; `ANY_DIFFERENCE` at reduced precision.

    Raises:
        ParityError: nothing was compared, or a value is not a number. Whether the difference is allowed is
            for `check_parity` to say.
    """
    if not expected or len(expected) != len(found):
        raise ParityError(
            f"parity compares pairs of score maps, but there are {len(expected)} and {len(found)}; "
            f"give at least {MIN_IMAGES} images"
        )
    difference = np.abs(np.stack(expected).astype(np.float64) - np.stack(found).astype(np.float64)).ravel()
    if not np.isfinite(difference).all():
        raise ParityError(
            "a score is not a finite number, so nothing can be compared; train the network again"
        )
    p50, p99, p99_9 = (float(q) for q in np.percentile(difference, (50, 99, 99.9)))
    return ParityRecord(
        max=float(difference.max()),
        mean=float(difference.mean()),
        p50=p50,
        p99=p99,
        p99_9=p99_9,
        limit=limit,
        num_images=len(expected),
        num_damaged=num_damaged,
        num_above_threshold=sum(bool((smooth(score) > thresholds.fail).any()) for score in expected),
        num_verdict_flips=sum(
            judge(a, thresholds).verdict is not judge(b, thresholds).verdict
            for a, b in zip(expected, found, strict=True)
        ),
    )


def check_parity(record: ParityRecord) -> ParityRecord:
    """Return the record, with a note where the evidence is thin.

    Raises:
        ParityError: some value differs by more than the limit.
    """
    if not record.max <= record.limit:
        raise ParityError(
            f"the exported network differs from the trained one by up to {record.max:.3g}, the limit is "
            f"{record.limit:.3g} ({record.num_images} images, 99.9 % of the values below {record.p99_9:.3g}, "
            f"{record.num_verdict_flips} verdicts flipped); it was not written"
        )
    return record.model_copy(update={"note": _note(record)})


def check_verdicts(record: ParityRecord, *, precision: str) -> ParityRecord:
    """Return the record of a reduced precision, with a note where the evidence is thin.

    Raises:
        ParityError: a verdict is another one than the trained network's.
    """
    if record.num_verdict_flips:
        raise ParityError(
            f"at {precision.upper()} {record.num_verdict_flips} of {record.num_images} verdicts differ from "
            f"those of the trained network, none may (largest difference of a score {record.max:.3g}); "
            "export with --precision fp32"
        )
    return record.model_copy(update={"note": _note(record)})


def summary(record: ParityRecord) -> str:
    """Say in one line what was compared and how far it is apart."""
    drawn = f" ({record.num_damaged} of them with a drawn defect)" if record.num_damaged else ""
    limit = "" if record.limit == ANY_DIFFERENCE else f" of {record.limit:.2g}"
    line = (
        f"largest difference {record.max:.2g}{limit} on {record.num_images} images{drawn}, "
        f"{record.num_above_threshold} above the threshold, {record.num_verdict_flips} verdicts flipped"
    )
    return f"{line}; {record.note}" if record.note else line


def _note(record: ParityRecord) -> str | None:
    notes = []
    num_real = record.num_images - record.num_damaged
    if num_real < MIN_IMAGES:
        notes.append(f"only {num_real} real images were there, {MIN_IMAGES} are wanted")
    if not record.num_above_threshold:
        notes.append("no image is above the threshold, not even with a drawn defect")
    return "; ".join(notes) or None
