"""How often one peer may ask, and how long it must wait after wrong keys. Memory is bounded: old peers go.

Source: token bucket; edge_reliability.md section 8, item 3 (lockout with back-off).
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Optional, OrderedDict, Tuple

MAX_PEERS = 2048
FREE_TRIES = 5
MAX_LOCK_S = 300.0
FORGET_S = 900.0


def peer_of(client: Optional[Tuple[str, int]]) -> str:
    """Return the name under which a client is counted: its IPv4 address, or the /64 of its IPv6 one."""
    if client is None:
        return "unknown"
    try:
        address = ip_address(client[0].split("%")[0])
    except ValueError:
        return client[0][:64]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)


@dataclass
class _Bucket:
    tokens: float
    filled_s: float


class PeerRates:
    """A token bucket for each peer: `burst` requests at once, then `per_s` each second."""

    def __init__(self, *, per_s: float, burst: float, max_peers: int = MAX_PEERS) -> None:
        self._per_s = per_s
        self._burst = burst
        self._max_peers = max_peers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def allow(self, *, per_s: float, burst: float) -> None:
        """Let everybody ask so often from now on."""
        self._per_s, self._burst = per_s, burst

    def wait_s(self, peer: str, now_s: float) -> float:
        """Take one token of the peer and return 0, or return the seconds until there is one."""
        bucket = self._buckets.pop(peer, None) or _Bucket(self._burst, now_s)
        self._buckets[peer] = bucket
        if len(self._buckets) > self._max_peers:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.filled_s) * self._per_s)
        bucket.filled_s = now_s
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0


@dataclass
class _Failures:
    count: int
    last_s: float
    until_s: float


class Lockouts:
    """After `FREE_TRIES` wrong keys a peer waits 1 s before the next, then 2, 4, ... up to `MAX_LOCK_S`."""

    def __init__(self, *, max_peers: int = MAX_PEERS) -> None:
        self._max_peers = max_peers
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait_s(self, peer: str, now_s: float) -> float:
        """Return how long the peer has to wait before a key of it is looked at; 0 for not at all."""
        failures = self._failures.get(peer)
        if failures is None:
            return 0.0
        if now_s - max(failures.last_s, failures.until_s) > FORGET_S:
            del self._failures[peer]
            return 0.0
        return max(0.0, failures.until_s - now_s)

    def failed(self, peer: str, now_s: float) -> None:
        """Count a wrong key."""
        before = self._failures.pop(peer, None)
        count = 1 if before is None else before.count + 1
        lock_s = 0.0 if count <= FREE_TRIES else min(MAX_LOCK_S, 2.0 ** min(count - FREE_TRIES - 1, 30))
        self._failures[peer] = _Failures(count, now_s, now_s + lock_s)
        if len(self._failures) > self._max_peers:
            self._failures.popitem(last=False)

    def succeeded(self, peer: str) -> None:
        """Forget the wrong keys of a peer that gave a right one."""
        self._failures.pop(peer, None)
