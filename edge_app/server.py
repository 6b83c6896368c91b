"""The port: bound first, announced when it answers."""

import gc
import socket
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import uvicorn
from fastapi import FastAPI

from edge_app.access import tls as tls_version
from edge_app.access.log_guard import guard_logs
from edge_app.protocol import BoundedHttp
from edge_app.settings import Settings
from inspector.errors import InputError

BACKLOG = 128
KEEP_ALIVE_S = 5
GRACE_S = 5
SWITCH_S = 0.0005  # a thread that was woken waits so long for the interpreter; Python's 5 ms delay an answer
MAX_MESSAGE_BYTES = 65_536  # that a WebSocket takes; viewers have little to say
_SANSIO = "uvicorn.protocols.websockets.websockets_sansio_impl"  # uvicorn from 0.35 on


def bind(settings: Settings) -> socket.socket:
    """Bind the address; connections are taken only when the server runs.

    Raises:
        InputError: the name is unknown, or the port is in use or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"--host {settings.host} is not an address of this machine: {error}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another --port"
        ) from error
    return listener


def run(
    app: FastAPI,
    listener: socket.socket,
    *,
    tls: Optional[Tuple[Path, Path]] = None,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        tls: Certificate and key, PEM files; None: HTTP.
        on_ready: Called once, when the port answers.
        on_stop: Called when the server is told to stop, before it waits for answers that are under way: ends
            those that would never end by themselves.
    """
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio" if find_spec(_SANSIO) else "websockets",
        ws_max_size=MAX_MESSAGE_BYTES,
        backlog=BACKLOG,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=str(tls[0]) if tls else None,
        ssl_keyfile=str(tls[1]) if tls else None,
    )
    sys.setswitchinterval(SWITCH_S)
    guard_logs()  # uvicorn has just set up its handlers
    # uvicorn raises SIGINT again after it has stopped in good order
    with suppress(KeyboardInterrupt):
        _AnnouncingServer(config, on_ready, on_stop).run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
        if self.config.ssl is not None:
            self.config.ssl.minimum_version = tls_version.MINIMUM
        await super().startup(sockets)
        if self.started:
            # What is there now stays: the collector need not look at it again while photos wait.
            gc.collect()
            gc.freeze()
            self._on_ready()

    async def shutdown(self, sockets: Optional[List[socket.socket]] = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)
