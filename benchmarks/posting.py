"""Clients that post photos without a pause, each another one, and remember what was acknowledged."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

INSPECTIONS = "/api/v1/inspections"
PATIENCE_S = 60.0
MAX_WAIT_S = 0.2  # before a photo that was refused with 503 goes again
_SOI, _COMMENT = b"\xff\xd8", b"\xff\xfe"  # markers of JPEG


@dataclass(frozen=True)
class Acknowledged:
    """A photo that the server said is stored; `digest` is the SHA-256 of its bytes."""

    id: str
    created: str
    digest: str
    model: str
    verdict: str


def marked(photo: bytes, text: str) -> bytes:
    """Return the JPEG with `text` as its comment: other bytes, the same pixels."""
    comment = text.encode()
    return _SOI + _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment + photo[2:]


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a photo."""
    return hashlib.sha256(data).hexdigest()


class Posters:
    """Clients at full load until `close`, or until the server is gone."""

    def __init__(self, port: int, photo: bytes, *, num_clients: int, name: str) -> None:
        """Begin to post; `name` must be another one each time, it makes the photos differ."""
        self.acknowledged: list[Acknowledged] = []
        self.not_stored: list[str] = []  # why the server could not store what it inspected
        self.statuses: Counter[int] = Counter()
        self.without_retry_after = 0
        self.broken: list[str] = []  # connections that ended without an answer
        self._port, self._photo, self._name = port, photo, name
        self._numbers = itertools.count()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(num_clients)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, num: int) -> None:
        """Wait until `num` photos are acknowledged, or every client has ended."""
        end_s = time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < num and any(thread.is_alive() for thread in self._threads):
            if time.monotonic() > end_s:
                raise TimeoutError(
                    f"{len(self.acknowledged)} of {num} photos are acknowledged: {self.statuses}"
                )
            time.sleep(0.002)

    def close(self) -> None:
        """Post no more, and wait for the answers that are under way."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            with closing(connection):
                while not self._is_over.is_set():
                    self._post(connection, marked(self._photo, f"{self._name}-{next(self._numbers)}"))
        except (OSError, http.client.HTTPException) as error:
            self.broken.append(f"{type(error).__name__}: {error}")

    def _post(self, connection: http.client.HTTPConnection, photo: bytes) -> None:
        connection.request("POST", INSPECTIONS, photo, {"content-type": "image/jpeg"})
        answer = connection.getresponse()
        content = answer.read()
        self.statuses[answer.status] += 1
        if answer.status == 503:
            self.without_retry_after += answer.headers["retry-after"] is None
            self._is_over.wait(min(MAX_WAIT_S, float(answer.headers["retry-after"] or 0)))
        if answer.status != 201:
            return
        result = json.loads(content)
        if not result["stored"]:
            self.not_stored.append(result["not_stored_because"])
            return
        self.acknowledged.append(
            Acknowledged(
                result["id"],
                result["created"],
                digest_of(photo),
                result["model"]["version"],
                result["verdict"],
            )
        )
