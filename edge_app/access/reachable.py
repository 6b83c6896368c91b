"""Which network addresses this server may connect to when a client names one.

Source: edge_reliability.md section 2 (server-side request forgery); RFC 6890 for the special ranges.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Callable, Optional, Sequence, Union

from inspector.errors import InputError

Address = Union[IPv4Address, IPv6Address]
Resolve = Callable[[str, int], Sequence[str]]

_CLOUD_METADATA = frozenset(ip_address(text) for text in ("100.100.100.200", "fd00:ec2::254"))
_THIS_NETWORK = ip_network("0.0.0.0/8")
_NAT64 = ip_network("64:ff9b::/96")


class AddressError(InputError):
    """An address of a camera or a receiver is malformed, or this server must not connect to it."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every IP address of `host`; may block for as long as the name server takes.

    Raises:
        AddressError: the name is unknown.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"host {host[:80]!r} cannot be found: {error}; check its name or give its IP"
        ) from error
    return [str(entry[4][0]) for entry in found]


def reachable_ip(host: str, port: int, *, allow_loopback: bool, lookup: Optional[Resolve] = None) -> str:
    """Return the one IP address of `host` to connect to, so that a later DNS answer changes nothing.

    Every address that the name has must be allowed: private ranges are, since cameras and hosts of a factory
    live there; link-local ones (cloud metadata), multicast, unspecified and reserved ones are not.

    Args:
        allow_loopback: Whether this machine itself may be meant.

    Raises:
        AddressError: the name is unknown, or one of its addresses is not allowed.
    """
    texts = (lookup or resolve)(host, port)
    if not texts:
        raise AddressError(f"host {host[:80]!r} has no IP address; check its name or give its IP")
    for text in texts:
        reason = why_refused(ip_address(text.split("%")[0]), allow_loopback=allow_loopback)
        if reason is not None:
            raise AddressError(
                f"host {host[:80]!r} is {text}, {reason}; this server does not connect there: "
                "name a host of the plant's network"
            )
    return texts[0]


def why_refused(address: Address, *, allow_loopback: bool) -> Optional[str]:
    """Say why no connection may go to `address`, or None when one may."""
    address = _unwrapped(address)
    if address.is_link_local or address in _CLOUD_METADATA:
        return "a link-local or metadata address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or (address.version == 4 and address in _THIS_NETWORK):
        return "an unspecified address"
    if address.version == 4 and address.is_reserved:
        return "a reserved or broadcast address"
    if address.is_loopback and not allow_loopback:
        return "this machine itself"
    return None


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one that only carries it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):  # ::a.b.c.d, deprecated
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
