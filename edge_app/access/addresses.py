"""Addresses of cameras and webhooks: allowed schemes, checked hosts, credentials apart.

Source: edge_reliability.md section 2 (Frigate's `exec:` sources, credentials in logs and answers).
A URL is taken apart here and put together again from its parts, so that no other parser reads it differently.
"""

import re
from dataclasses import dataclass, field
from typing import Dict, Optional, Union
from urllib.parse import quote, unquote, urlsplit

from edge_app.access.reachable import AddressError, Resolve, reachable_ip

CAMERA_PORTS: Dict[str, int] = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
WEBHOOK_PORTS: Dict[str, int] = {"http": 80, "https": 443}
MAX_LENGTH = 2000

_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # no space, no control character, no backslash
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})")
_V4L2 = re.compile(r"(?:/dev/)?(?:video)?(\d{1,3})")
_V4L2_BY_ID = re.compile(r"/dev/v4l/by-(?:id|path)/[A-Za-z0-9_:-][A-Za-z0-9._:-]{0,200}")
_CSI = re.compile(r"\d{1,2}")
_REPLAY_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True)
class NetworkAddress:
    """A host to connect to. `ip` was checked and is what to connect to; `host` is what the user named.

    target: path and query, beginning with `/`.
    """

    scheme: str
    host: str
    port: int
    ip: str
    target: str
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The address as logs and answers may have it: with the host's name, without credentials."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}{self.target}"

    @property
    def connect_url(self) -> str:
        """The address to open: the checked IP in place of the name, credentials included. Never log it."""
        login = ""
        if self.username or self.password:
            login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        return f"{self.scheme}://{login}{_bracketed(self.ip)}:{self.port}{self.target}"


@dataclass(frozen=True)
class LocalAddress:
    """A device of this machine (`v4l2`, `csi`) or a recording to replay (`video`, `folder`).

    name: `/dev/video0` or `/dev/v4l/by-id/...`; the sensor's number; or the plain name of an entry in the
        server's own folder of recordings. Never a path that a client chose.
    """

    scheme: str
    name: str

    @property
    def shown(self) -> str:
        """The address as logs and answers may have it."""
        return f"{self.scheme}:{self.name}"


def check_camera_address(
    address: str, *, allow_loopback: bool = True, lookup: Optional[Resolve] = None
) -> Union[NetworkAddress, LocalAddress]:
    """Return the parts of a camera's address.

    Taken: `rtsp://`, `rtsps://`, `http://`, `https://`; `v4l2:0`, `v4l2:/dev/video0`,
    `v4l2:/dev/v4l/by-id/NAME`; `csi:0`; `video:NAME`, `folder:NAME`. Nothing else: no `file:`, `exec:`,
    `pipe:`, `concat:`.

    Raises:
        AddressError: another scheme, a malformed address, or a host that must not be connected to.
    """
    scheme = address.split(":", 1)[0].lower()
    if scheme in CAMERA_PORTS:
        return _network(address, CAMERA_PORTS, allow_loopback=allow_loopback, lookup=lookup)
    local = _local(scheme, address[len(scheme) + 1 :])
    if local is None:
        raise AddressError(
            f"camera address {_cut(address)} is not known; use rtsp://, rtsps://, http://, https://, v4l2:0, "
            "csi:0, video:NAME or folder:NAME"
        )
    return local


def check_webhook_address(
    address: str, *, allow_loopback: bool = False, lookup: Optional[Resolve] = None
) -> NetworkAddress:
    """Return the parts of a webhook's address, `http://` or `https://`.

    Connect to `ip`; send `host` in the Host header and verify the certificate against it. Follow no redirect.

    Raises:
        AddressError: another scheme, a malformed address, or a host that must not be connected to.
    """
    if address.split(":", 1)[0].lower() not in WEBHOOK_PORTS:
        raise AddressError(f"webhook address {_cut(address)} must begin with https:// or http://")
    return _network(address, WEBHOOK_PORTS, allow_loopback=allow_loopback, lookup=lookup)


def _local(scheme: str, rest: str) -> Optional[LocalAddress]:
    if rest.startswith("///"):
        rest = rest[2:]
    if scheme == "v4l2":
        number = _V4L2.fullmatch(rest)
        if number is not None:
            return LocalAddress("v4l2", f"/dev/video{int(number.group(1))}")
        return LocalAddress("v4l2", rest) if _V4L2_BY_ID.fullmatch(rest) else None
    if scheme == "csi":
        return LocalAddress("csi", str(int(rest))) if _CSI.fullmatch(rest) else None
    if scheme in ("video", "folder") and _REPLAY_NAME.fullmatch(rest):
        return LocalAddress(scheme, rest)
    return None


def _network(
    address: str, ports: Dict[str, int], *, allow_loopback: bool, lookup: Optional[Resolve]
) -> NetworkAddress:
    if len(address) > MAX_LENGTH or _PRINTABLE.fullmatch(address) is None:
        raise AddressError(
            f"address {_cut(address)} is longer than {MAX_LENGTH} characters or has spaces, control "
            "characters or backslashes; write them percent-encoded"
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressError(f"address {_cut(address)} has a host or port that cannot be read") from error
    if ":" not in host and _HOST_NAME.fullmatch(host) is None:
        raise AddressError(f"address {_cut(address)} has no valid host; write SCHEME://HOST[:PORT]/PATH")
    port = ports[parts.scheme] if port is None else port
    return NetworkAddress(
        scheme=parts.scheme,
        host=host,
        port=port,
        ip=reachable_ip(host, port, allow_loopback=allow_loopback, lookup=lookup),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cut(address: str) -> str:
    """Return the beginning of an address for an error message, without what may be a password."""
    return repr(re.sub(r"//[^/]*@", "//***@", address)[:80])
