"""Signs webhooks so that a receiver knows who sent them, and when.

Source: Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, key `whsec_<base64>`.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Dict

from edge_app.outbox.secret_files import Secret
from inspector.errors import InputError

PREFIX = "whsec_"
MIN_KEY_BYTES = 24


class SigningKey:
    """The decoded key of a webhook; prints without it."""

    def __init__(self, secret: Secret) -> None:
        """Decode `secret`.

        Raises:
            InputError: it is not `whsec_` and the base64 of at least 24 bytes.
        """
        text = secret.reveal()
        try:
            if not text.startswith(PREFIX):
                raise binascii.Error("no prefix")
            self._key = base64.b64decode(text[len(PREFIX) :], validate=True)
        except (binascii.Error, ValueError):
            self._key = b""
        if len(self._key) < MIN_KEY_BYTES:
            raise InputError(
                f"the secret of a webhook must be {PREFIX} and the base64 of at least {MIN_KEY_BYTES} random "
                f"bytes; make one with: echo {PREFIX}$(openssl rand -base64 32)"
            )

    def __repr__(self) -> str:
        return "SigningKey(***)"

    def headers(self, message_id: str, *, timestamp_s: int, body: bytes) -> Dict[str, str]:
        """Return the three headers of a message that is sent at `timestamp_s`, wall clock, UTC."""
        signed = f"{message_id}.{timestamp_s}.".encode() + body
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
