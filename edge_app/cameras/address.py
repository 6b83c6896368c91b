"""From a camera's settings to what its process opens: addresses checked, paths kept in, secrets apart."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Callable, Union

from edge_app.access.addresses import LocalAddress, NetworkAddress, check_camera_address
from edge_app.cameras.source import SourceRequest
from edge_app.services.camera import CameraError, CameraSettings

CheckAddress = Callable[[str], Union[NetworkAddress, LocalAddress]]

_LOGIN = re.compile(r"//[^/\s]*@")
HIDDEN = "***"


def source_request(
    settings: CameraSettings,
    *,
    recordings: Path,
    first_seq: int = 1,
    check: CheckAddress = check_camera_address,
) -> SourceRequest:
    """Return what the camera's process is to open; may wait for a name server.

    Raises:
        AddressError: the address is not allowed, or its host is unknown.
        CameraError: there is no such recording below `recordings`.
    """
    address = check(settings.address)
    common = SourceRequest(
        kind=settings.kind,
        place="",
        fps=settings.fps,
        width=settings.width,
        height=settings.height,
        timeout_s=settings.timeout_s,
        delay_ms=settings.delay_ms,
        loop=settings.loop,
        first_seq=first_seq,
    )
    if isinstance(address, LocalAddress):
        is_recording = settings.kind in ("video", "folder")
        place = str(below(recordings, address.name)) if is_recording else address.name
        return replace(common, place=place)
    return replace(
        common,
        place=address.connect_url if settings.kind == "rtsp" else "",
        host=address.host,
        port=address.port,
        ip=address.ip,
        target=address.target,
        username=address.username,
        password=address.password,
        is_tls=address.scheme in ("https", "rtsps"),
    )


def below(folder: Path, name: str) -> Path:
    """Return the entry `name` of a folder of the server.

    Raises:
        CameraError: it does not exist, or leads out of the folder.
    """
    path = (folder / name).resolve()
    if path.parent != folder.resolve() or not path.exists():
        raise CameraError(
            f"there is no {name[:100]!r} in the folder `{folder.name}` of the state; give its plain name"
        )
    return path


def without_secrets(text: str, request: SourceRequest) -> str:
    """Return a message with every login and password in it replaced."""
    text = _LOGIN.sub(f"//{HIDDEN}@", text)
    return text.replace(request.password, HIDDEN) if request.password else text


def hidden_login(address: str) -> str:
    """Return an address as answers may show it: `rtsp://***@host/path`."""
    return _LOGIN.sub(f"//{HIDDEN}@", address)
