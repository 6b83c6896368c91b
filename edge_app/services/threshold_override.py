"""Other thresholds for one request, in place of the model's own."""

from dataclasses import dataclass
from typing import Optional

from inspector.errors import InputError
from inspector.postprocess import Thresholds


@dataclass(frozen=True)
class ThresholdOverride:
    """What one request wants to change; None keeps the model's value."""

    fail: Optional[float] = None
    review: Optional[float] = None
    min_area_px: Optional[int] = None

    def apply(self, own: Thresholds) -> Thresholds:
        """Return `own` with the changes.

        A lower `fail` alone pulls the model's review threshold down with it: the band never turns over.

        Raises:
            InputError: the asked-for review threshold is above the fail threshold.
        """
        fail = own.fail if self.fail is None else self.fail
        review = min(own.review, fail) if self.review is None else self.review
        if review > fail:
            raise InputError(
                f"the review threshold {review:g} is above the fail threshold {fail:g}; "
                "REVIEW is the band below FAIL, so review must be the smaller one"
            )
        area = own.min_area_px if self.min_area_px is None else self.min_area_px
        return Thresholds(fail=fail, review=review, min_area_px=area)
