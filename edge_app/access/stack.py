"""Everything that stands before the routes, in order: headers, host, who and whether, body."""

import logging
from typing import AbstractSet, List, Optional

from starlette.middleware import Middleware

from edge_app.access.authentication import Authentication
from edge_app.access.body_limits import BodyLimit, BodyLimits
from edge_app.access.gate import Audit, Gate
from edge_app.access.host_check import HostCheck
from edge_app.access.keys import Keys
from edge_app.access.rate_limit import PeerRates
from edge_app.access.sessions import Sessions
from edge_app.access.strict_headers import StrictHeaders
from edge_app.settings import Settings
from inspector.errors import InspectorError

logger = logging.getLogger(__name__)

BURST_S = 4.0  # a page asks for its files and pictures all at once
MODEL_TIMEOUT_S = 600.0


def no_audit(action: str, by: str, detail: str) -> None:
    """Write nothing down; for apps without a store."""


def middleware(
    settings: Settings,
    keys: Keys,
    sessions: Sessions,
    *,
    pages: AbstractSet[str],
    audit: Audit = no_audit,
    rates: Optional[PeerRates] = None,
) -> List[Middleware]:
    """Return the middleware of the app; routes find the asker in `scope["state"]["who"]`.

    Args:
        pages: Addresses of the page's files, which anybody may GET.
        audit: Called as `audit(action, by, detail)` for refused keys and for everything that changes
            something except photos; it must not block.
        rates: How often each peer may ask; None: as the settings say.
    """
    burst = BURST_S * settings.max_requests_per_s
    gate = Gate(
        needs_key=settings.needs_key,
        keys=keys,
        sessions=sessions,
        rates=rates or PeerRates(per_s=settings.max_requests_per_s, burst=burst),
        pages=pages,
        audit=_unfailing(audit),
    )
    return [
        Middleware(StrictHeaders),
        Middleware(
            HostCheck,
            names=(settings.host, *settings.allowed_hosts),
            any_address=not settings.is_loopback,
        ),
        Middleware(Authentication, gate=gate),
        Middleware(
            BodyLimits,
            photo=BodyLimit(
                settings.max_body_bytes, settings.upload_timeout_s, "send a smaller or more compressed image"
            ),
            model=BodyLimit(settings.max_bundle_bytes, MODEL_TIMEOUT_S, "send a smaller bundle"),
            max_uploads=settings.max_uploads,
        ),
    ]


def _unfailing(audit: Audit) -> Audit:
    """Let requests go on when the log of who did what cannot be written, and say so in the program's log."""

    def written(action: str, by: str, detail: str) -> None:
        try:
            audit(action, by, detail)
        except InspectorError as error:
            logger.error("the audit log lacks %r by %s (%s): %s", action, by, detail, error)

    return written
