"""`inspector serve`: the edge server on a bundle."""

import socket
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import List, Optional, Tuple

import typer

from edge_app.access.first_key import announce_first_key
from edge_app.heap import bounded_heap
from edge_app.main import create_app
from edge_app.parts import Parts, open_parts
from edge_app.server import bind, run
from edge_app.settings import Settings, read_settings
from edge_app.startup import start_models
from edge_app.store.state_folder import StateFolder
from inspector.console import Console
from inspector.runtime import CHOICES

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="The edge server: cameras, a live page, history, and REST.",
)

MODELS_FOLDER = "models"


@app.command(epilog="Example: inspector serve part.bundle --port 8080, then open http://127.0.0.1:8080")
def serve(
    bundle: Optional[Path] = typer.Argument(
        None,
        help="The bundle to serve, a folder or a NAME.bundle file "
        "[default: the model that served last, at first that of the built-in part].",
    ),
    state: Optional[Path] = typer.Option(
        None,
        help="Folder for results, models, keys and settings; one server a folder "
        "[default: ~/.local/state/visual-inspector].",
    ),
    host: Optional[str] = typer.Option(
        None,
        help="Address to listen on; one that other machines reach asks for a key "
        "[default: 127.0.0.1, this machine only].",
    ),
    port: Optional[int] = typer.Option(None, help="Port to listen on; 0 takes a free one [default: 8080]."),
    threads: Optional[int] = typer.Option(None, min=1, help="CPU threads of the network [default: all]."),
    runtime: Optional[str] = typer.Option(
        None, help=f"{', '.join(CHOICES)}; auto takes the fastest that is there [default: auto]."
    ),
    allowed_host: Optional[List[str]] = typer.Option(
        None, help="A host name under which browsers may open the page; can be given several times."
    ),
    trusted_key: Optional[List[Path]] = typer.Option(
        None, help="A public key, or a folder of them: only bundles that they signed are loaded."
    ),
    require_key: bool = typer.Option(
        False, "--require-key", help="Ask for a key on 127.0.0.1 too: for a proxy in front of the server."
    ),
    tls_cert: Optional[Path] = typer.Option(None, help="Serve HTTPS with this certificate (PEM chain)."),
    tls_key: Optional[Path] = typer.Option(None, help="The certificate's private key (PEM)."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object when the port answers."),
) -> None:
    """Verify BUNDLE, check it on its golden tensors, then serve the page and REST under /api/v1.

    Nothing listens before the bundle has given the answers it was exported with.
    """
    console = Console(json_output=json_output)
    settings = read_settings(
        state=state,
        host=host,
        port=port,
        threads=threads,
        runtime=runtime,
        allowed_hosts=tuple(allowed_host) if allowed_host else None,
        trusted_keys=tuple(trusted_key) if trusted_key else None,
        require_key=require_key or None,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    with ExitStack() as opened:
        opened.enter_context(bounded_heap())  # before there is a thread: each would have a heap of its own
        parts, listener = _open(settings, bundle)
        opened.enter_context(closing(listener))
        opened.enter_context(closing(parts))
        url = _url(settings, port=listener.getsockname()[1])
        _warn(console, parts)
        _ask_for_keys(console, parts, url, is_terminal=(sys.stderr if json_output else sys.stdout).isatty())
        run(
            create_app(parts),
            listener,
            tls=settings.tls,
            on_ready=lambda: _announce(console, parts, url),
            on_stop=parts.live.close,
        )


def _open(settings: Settings, bundle: Optional[Path]) -> Tuple[Parts, socket.socket]:
    """Load the model, then take the port, then open the rest."""
    with ExitStack() as opened:
        folder = StateFolder(settings.state)
        opened.callback(folder.close)
        models = start_models(
            settings.state / MODELS_FOLDER,
            bundle,
            threads=settings.threads,
            runtime=settings.runtime,
            trusted_keys=settings.trusted_keys,
        )
        opened.callback(models.close)
        listener = opened.enter_context(closing(bind(settings)))
        parts = open_parts(settings, folder=folder, models=models)
        opened.pop_all()
    return parts, listener


def _url(settings: Settings, *, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls else 'http'}://{host}:{port}"


def _warn(console: Console, parts: Parts) -> None:
    """Say what is not as it should be."""
    card = parts.service.card
    if parts.models.status().warning:
        console.warn(parts.models.status().warning)
    if card.warning is not None:
        console.warn(f"the thresholds of {card.name}: {card.warning}")


def _ask_for_keys(console: Console, parts: Parts, url: str, *, is_terminal: bool) -> None:
    """Say that the server asks for keys, if it does, and make the first one."""
    if not parts.settings.needs_key:
        return
    reached = "" if parts.settings.is_loopback else " can be reached from other machines: it"
    console.say(f"{url}{reached} asks for a key")
    first_key = announce_first_key(parts.keys, parts.settings.state, is_terminal=is_terminal)
    if first_key is not None:
        console.say(first_key)


def _announce(console: Console, parts: Parts, url: str) -> None:
    card = parts.service.card
    console.say(
        f"{card.name} {card.version} is verified ({card.runner}, golden tensors differ by "
        f"{card.self_test_difference:.1e}). Open {url} in a browser, stop with Ctrl+C."
    )
    console.result(
        {
            "url": url,
            "bundle": card.name,
            "version": card.version,
            "runner": card.runner,
            "self_test_difference": card.self_test_difference,
        }
    )
