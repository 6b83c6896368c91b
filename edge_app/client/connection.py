"""One request, one answer: HTTP with a key, the server's sentence as error, patience while it is busy."""

import http.client
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote, urlencode, urlsplit

from edge_app.client.errors import AnswerError, BusyServerError, EdgeClientError, UnreachableError

Body = Union[bytes, BinaryIO, None]
Query = Mapping[str, object]
BUSY = (429, 503)
MAX_SENTENCE_BYTES = 65_536


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    body: bytes
    media_type: str

    def json(self) -> Any:
        """Return the JSON that the body is."""
        return json.loads(self.body)


class Connection:
    """Sends requests, each on a connection of its own, so that any thread may use it."""

    def __init__(
        self,
        url: str,
        *,
        key: Optional[str],
        timeout_s: float,
        max_wait_s: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise EdgeClientError(
                f"{url!r} is not the address of a server; write it like http://127.0.0.1:8080"
            )
        self._is_tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._key = key
        self._timeout_s = timeout_s
        self._max_wait_s = max_wait_s
        self._sleep = sleep
        self._clock = clock

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Query] = None,
        body: Body = None,
        media_type: Optional[str] = None,
    ) -> Answer:
        """Return the answer; while the server is busy, wait as it says and ask again.

        Raises:
            BusyServerError: it is busy for longer than `max_wait_s`.
            AnswerError: it refused.
            UnreachableError: there is no answer.
        """
        deadline_s = self._clock() + self._max_wait_s
        while True:
            with self.open(method, path, query=query, body=body, media_type=media_type) as response:
                if response.status not in BUSY:
                    return Answer(response.read(), response.headers.get_content_type())
                wait_s = _retry_after_s(response)
                if self._clock() + wait_s > deadline_s:
                    raise BusyServerError(_sentence(response), status=response.status)
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
            self._sleep(wait_s)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Query] = None,
        body: Body = None,
        media_type: Optional[str] = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send once and give the response, to be read as it comes; busy ones too. Errors as `request`."""
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, address_of(path, query), body=body, headers=self._headers(media_type))
            response = connection.getresponse()
            if response.status >= 300 and response.status not in BUSY:
                raise AnswerError(_sentence(response), status=response.status)
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"no answer from {self._host}:{connection.port}: {str(error) or type(error).__name__}; "
                "is the server running?"
            ) from error
        finally:
            connection.close()

    def _headers(self, media_type: Optional[str]) -> Dict[str, str]:
        headers = {"Connection": "close"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if media_type is not None:
            headers["Content-Type"] = media_type
        return headers


def address_of(path: str, query: Optional[Query]) -> str:
    """Return the path with what is not None of the query; lists become repeated options."""
    pairs: List[Tuple[str, str]] = []
    for name, value in (query or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs.extend((name, str(each)) for each in values if each is not None)
    return quote(path) + (f"?{urlencode(pairs)}" if pairs else "")


def _retry_after_s(response: http.client.HTTPResponse) -> float:
    given = response.headers.get("Retry-After", "1")
    return float(given) if given.isdigit() else 1.0


def _sentence(response: http.client.HTTPResponse) -> str:
    try:
        detail = json.loads(response.read(MAX_SENTENCE_BYTES))["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"the server answered with status {response.status} and no reason"
    return str(detail)
