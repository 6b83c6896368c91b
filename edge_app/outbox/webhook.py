"""Posts messages to a web address, signed; http.client only: no redirect, no decompression, a capped answer.

Source: Standard Webhooks 1.0; edge_reliability.md sections 2 and 3.
"""

import http.client
import socket
import ssl
import time
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Dict, Optional
from urllib.parse import urlsplit

from edge_app.access.addresses import NetworkAddress
from edge_app.outbox.deadline import DeadlineSocket
from edge_app.outbox.message import Message
from edge_app.outbox.rules import DELIVERED, Answer, Verdict, of_http_status
from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.settings import TlsSettings, WebhookSettings
from edge_app.outbox.signature import SigningKey
from edge_app.outbox.tls import tls_context
from inspector.errors import InputError

MAX_ANSWER_BYTES = 65_536
REUSE_S = 2.0  # a connection that was idle for longer may have been closed by the receiver meanwhile

CheckAddress = Callable[[str], NetworkAddress]


class WebhookSender:
    """One web address. A connection is used again while messages follow closely."""

    def __init__(self, settings: WebhookSettings, *, secrets: SecretFiles, check: CheckAddress) -> None:
        self._settings = settings
        self._secrets = secrets
        self._check = check
        self._line: Optional[_Line] = None
        self._connected: Optional[bool] = None
        self._closed = False

    @property
    def connected(self) -> Optional[bool]:
        """Whether the receiver answered the last attempt; None before the first."""
        return self._connected

    def connect(self) -> str:
        """Nothing to do ahead of a message."""
        return ""

    def send(self, message: Message) -> Answer:
        """Post one message and read the answer, within the time limit."""
        try:
            answer = self._post(message)
        except InputError as error:  # the name is unknown, not allowed, or a secret is missing
            answer = Answer(Verdict.RETRY, self._without_path(str(error)))
        except (OSError, http.client.HTTPException) as error:
            self._connected = False
            answer = Answer(Verdict.RETRY, f"{self._settings.shown} {_what_failed(error)}")
        if answer.verdict is Verdict.RETRY:
            self._drop()
        return answer

    def close(self) -> None:
        """Disconnect; an attempt that is under way fails at once."""
        self._closed = True
        self._drop()

    def _post(self, message: Message) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "visual-inspector/1",
            "Accept-Encoding": "identity",
        }
        if self._settings.secret is not None:
            key = SigningKey(self._secrets.text(self._settings.secret))
            headers.update(key.headers(message.id, timestamp_s=int(time.time()), body=message.body))
        else:
            headers["webhook-id"] = message.id
        line = self._current_line()
        response = line.post(message.body, headers, timeout_s=self._settings.timeout_s)
        self._connected = True
        if not line.is_reusable:
            self._drop()
        return _answer_of(response, f"{self._settings.shown} answered {response.status}")

    def _current_line(self) -> "_Line":
        if self._line is None or time.monotonic() - self._line.used_s > REUSE_S:
            self._drop()
            address = self._check(self._settings.url)
            context = None
            if address.scheme == "https":
                context = tls_context(self._settings.tls or TlsSettings(), self._secrets)
            self._line = _Line(address, context, timeout_s=self._settings.timeout_s)
        if self._closed:
            self._drop()
            raise ConnectionAbortedError("is not asked: the outbox is closing")
        return self._line

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.end()

    def _without_path(self, text: str) -> str:
        """Return `text` with the address cut to its host: the rest is often a secret."""
        parts = urlsplit(self._settings.url)
        secret = parts.path.lstrip("/") or parts.query
        return f"{self._settings.shown} is not usable" if secret and secret[:20] in text else text


class _Line(http.client.HTTPConnection):
    """One connection, to the address that was checked and not to whatever the name means a moment later."""

    auto_open = 0  # http.client never connects by itself

    def __init__(
        self, address: NetworkAddress, context: Optional[ssl.SSLContext], *, timeout_s: float
    ) -> None:
        super().__init__(address.host, address.port, timeout=timeout_s)
        if context is not None:
            self.default_port = http.client.HTTPS_PORT
        plain = socket.create_connection((address.ip, address.port), timeout_s)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = plain if context is None else context.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise
        self._deadline = DeadlineSocket(line)
        self.sock = self._deadline
        self._target = address.target
        self.is_reusable = True
        self.used_s = time.monotonic()

    def post(self, body: bytes, headers: Dict[str, str], *, timeout_s: float) -> http.client.HTTPResponse:
        self._deadline.allow(timeout_s)
        self.sock = self._deadline  # http.client forgets it when a response announces the end
        self.request("POST", self._target, body, headers)
        response = self.getresponse()
        rest = response.read(MAX_ANSWER_BYTES + 1)
        self.is_reusable = not response.will_close and len(rest) <= MAX_ANSWER_BYTES
        self.used_s = time.monotonic()
        return response

    def end(self) -> None:
        self._deadline.end()


def retry_after_s(header: Optional[str], *, now_s: float) -> Optional[float]:
    """Return the seconds that a Retry-After header asks for, in either of its forms, or None."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header.strip()[:9])
    try:
        moment = parsedate_to_datetime(header)
    except (TypeError, ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now_s)


def _answer_of(response: http.client.HTTPResponse, detail: str) -> Answer:
    verdict = of_http_status(response.status)
    if verdict is Verdict.DELIVERED:
        return DELIVERED
    if 300 <= response.status < 400:
        detail += ", a redirect, which is not followed; set the new address"
    wait_s = retry_after_s(response.getheader("Retry-After"), now_s=time.time())
    return Answer(verdict, detail, retry_after_s=wait_s)


def _what_failed(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {error.verify_message}"
    if isinstance(error, socket.timeout):
        return "did not answer in time"
    if isinstance(error, OSError):
        return f"cannot be reached: {error.strerror or error}"
    return f"gave no valid HTTP answer: {type(error).__name__}"
