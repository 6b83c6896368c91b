"""The gate of reduced precisions: the AUPR that FP16 or INT8 costs is within what the recipe allows."""

from __future__ import annotations

from inspector.errors import InspectorError
from inspector.manifest import PrecisionRecord


class PrecisionError(InspectorError):
    """A network loses more at a reduced precision than its recipe allows."""


def check_cost(record: PrecisionRecord, *, precision: str) -> str:
    """Return a line with the AUPR before and after.

    Raises:
        PrecisionError: it falls by more than the limit.
    """
    name = precision.upper()
    if not record.aupr_loss <= record.max_aupr_loss:
        raise PrecisionError(
            f"{name} lowers the pixel AUPR from {record.aupr_before:.4f} to {record.aupr_after:.4f} "
            f"({record.measured_on} photos), a loss of {record.max_aupr_loss:g} is allowed (max_aupr_loss); "
            "export with --precision fp32 or allow more in the recipe"
        )
    return (
        f"pixel AUPR {record.aupr_before:.4f} in FP32, {record.aupr_after:.4f} in {name}, a loss of "
        f"{record.aupr_loss:.4f} of {record.max_aupr_loss:g} allowed, on {record.num_images} "
        f"{record.measured_on} photos"
    )
