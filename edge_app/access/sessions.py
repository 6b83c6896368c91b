"""Sessions of browsers: a random cookie that stands for a key for a while."""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional, OrderedDict

COOKIE = "inspector_session"
IDLE_S = 30 * 60.0
ABSOLUTE_S = 12 * 3600.0  # a shift, with some time over
MAX_PER_KEY = 8
MAX_SESSIONS = 256
_TOKEN_BYTES = 32


@dataclass
class _Session:
    key_id: str
    started_s: float
    used_s: float


class Sessions:
    """Sessions in memory: they end with the server, when unused for `idle_s`, and after `absolute_s` anyway.

    A key has at most `MAX_PER_KEY`; its oldest one ends for a new one. Tokens are held hashed, so that
    finding one takes the same time whatever it shares with others.
    """

    def __init__(
        self,
        *,
        idle_s: float = IDLE_S,
        absolute_s: float = ABSOLUTE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.absolute_s = absolute_s
        self._idle_s = idle_s
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()  # oldest start first

    def __len__(self) -> int:
        return len(self._sessions)

    def start(self, key_id: str) -> str:
        """Begin a session of the key and return its token."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now_s = self._clock()
        with self._lock:
            self._drop_ended(now_s)
            own = [name for name, session in self._sessions.items() if session.key_id == key_id]
            if len(own) >= MAX_PER_KEY:
                del self._sessions[own[0]]
            elif len(self._sessions) >= MAX_SESSIONS:
                self._sessions.popitem(last=False)
            self._sessions[_hashed(token)] = _Session(key_id, now_s, now_s)
        return token

    def find(self, token: str, *, touch: bool = True) -> Optional[str]:
        """Return the id of the session's key, or None when it has ended.

        Args:
            touch: Whether this counts as use; a stream that only checks itself does not.
        """
        now_s = self._clock()
        with self._lock:
            name = _hashed(token)
            session = self._sessions.get(name)
            if session is None:
                return None
            if self._has_ended(session, now_s):
                del self._sessions[name]
                return None
            if touch:
                session.used_s = now_s
            return session.key_id

    def end(self, token: str) -> None:
        """End a session, if there is one."""
        with self._lock:
            self._sessions.pop(_hashed(token), None)

    def _drop_ended(self, now_s: float) -> None:
        for name in [name for name, session in self._sessions.items() if self._has_ended(session, now_s)]:
            del self._sessions[name]

    def _has_ended(self, session: _Session, now_s: float) -> bool:
        return now_s - session.used_s > self._idle_s or now_s - session.started_s > self.absolute_s


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
