"""Times as ISO 8601, the only form that goes in or out: UTC with milliseconds out, any offset in."""

import re
from datetime import date, datetime, timedelta, timezone

from inspector.errors import InputError

EXAMPLE = "2026-11-24T08:00:00Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_DAY = date(1970, 1, 1)
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # of the years 1 to 9999
_TIME = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[Tt ](?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    # A plus sign that was not escaped in a query arrives as a space.
    r"(?P<offset>[Zz]|(?P<sign>[+ -])(?P<offset_hours>\d\d):?(?P<offset_minutes>\d\d))?",
    re.ASCII,
)


def iso_of(time_ms: int) -> str:
    """Return milliseconds since 1970 (UTC) as ISO 8601; times beyond the years 1 to 9999 as their ends.

    >>> iso_of(1764000000123)
    '2025-11-24T16:00:00.123Z'
    """
    moment = _EPOCH + timedelta(milliseconds=min(max(time_ms, _FIRST_MS), _LAST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(text: str, *, name: str) -> int:
    """Return an ISO 8601 time as milliseconds since 1970 (UTC); `name` is what the message calls it.

    >>> ms_of("1970-01-01T01:00:00.5+01:00", name="from")
    500

    Raises:
        InputError: it is not a time, or it does not say its offset from UTC.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise _not_a_time(text, name)
    if match["offset"] is None:
        raise InputError(f"{name} = {text!r} does not say its offset from UTC; add Z or +01:00 to it")
    numbers = {key: int(match[key] or 0) for key in ("hour", "minute", "second")}
    offset_hours, offset_minutes = int(match["offset_hours"] or 0), int(match["offset_minutes"] or 0)
    # A leap second is second 60; SQLite and datetime know none, so it is the first of the next minute.
    in_range = numbers["hour"] < 24 and numbers["minute"] < 60 and numbers["second"] <= 60
    if not in_range or offset_hours > 23 or offset_minutes > 59:
        raise _not_a_time(text, name)
    try:
        num_days = (date(int(match["year"]), int(match["month"]), int(match["day"])) - _EPOCH_DAY).days
    except ValueError as error:
        raise _not_a_time(text, name) from error
    offset_minutes_east = (60 * offset_hours + offset_minutes) * (-1 if match["sign"] == "-" else 1)
    minutes = (num_days * 24 + numbers["hour"]) * 60 + numbers["minute"] - offset_minutes_east
    fraction_ms = int((match["fraction"] or "0").ljust(3, "0")[:3])
    return (minutes * 60 + numbers["second"]) * 1000 + fraction_ms


def _not_a_time(text: str, name: str) -> InputError:
    return InputError(f"{name} = {text[:40]!r} is not an ISO 8601 time; write it like {EXAMPLE}")
