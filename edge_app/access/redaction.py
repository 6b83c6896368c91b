"""Takes secrets out of what goes to the log: passwords in URLs, keys, Authorization, cookies.

Source: edge_reliability.md section 2 (CVE-2026-75608: RTSP passwords in logs that a viewer could read).
"""

import logging
import re
from typing import Pattern, Tuple

HIDDEN = "***"
_RULES: Tuple[Tuple[Pattern[str], str], ...] = (
    # scheme://user:password@host; a password may itself hold @, : and /
    (
        re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s\"'<>]{0,512}@", re.IGNORECASE),
        rf"\1{HIDDEN}@",
    ),
    (re.compile(r"\bvi_[A-Za-z0-9_-]{8,}"), f"vi_{HIDDEN}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), f"whsec_{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9+/=._~-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=,]\s*b?['\"]?)[^'\"\r\n)]+", re.I
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(
            r"((?:password|passwd|passphrase|secret|token|api[_-]?key|inspector_session)['\"]?\s*[:=]\s*['\"]?)"
            r"[^\s'\"&;,)}]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def redact(text: str) -> str:
    """Return `text` with every secret that can be recognised replaced by `***`.

    >>> redact("cannot open rtsp://op:p@ss@10.0.0.7/live")
    'cannot open rtsp://***@10.0.0.7/live'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Redacts a record before its handler writes it: message, arguments and traceback. Lets all pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        if record.exc_info:
            record.exc_text = redact(record.exc_text or _FORMATTER.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_FORMATTER = logging.Formatter()
