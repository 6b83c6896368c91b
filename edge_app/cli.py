"""`inspector serve`: the edge server on a bundle."""

from pathlib import Path
from typing import List, Optional

import typer

from edge_app.main import create_app
from edge_app.server import bind, run
from edge_app.settings import read_settings
from edge_app.startup import load_model
from inspector.console import Console

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="The edge server: a page to drop photos on, and REST.",
)


@app.command(epilog="Example: inspector serve part.bundle --port 8080, then open http://127.0.0.1:8080")
def serve(
    bundle: Path = typer.Argument(..., help="The bundle to serve: a folder or a NAME.bundle file."),
    host: Optional[str] = typer.Option(
        None, help="Address to listen on [default: 127.0.0.1, this machine only]."
    ),
    port: Optional[int] = typer.Option(None, help="Port to listen on; 0 takes a free one [default: 8080]."),
    threads: Optional[int] = typer.Option(None, min=1, help="CPU threads of the network [default: all]."),
    allow_remote: bool = typer.Option(
        False,
        "--allow-remote",
        help="Accept that --host can be reached from other machines: there is no login yet.",
    ),
    allowed_host: Optional[List[str]] = typer.Option(
        None, help="A host name under which browsers may open the page; can be given several times."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object when the port answers."),
) -> None:
    """Verify BUNDLE, check it on its golden tensors, then serve the page and REST under /api/v1.

    Nothing listens before the bundle has given the answers it was exported with.
    """
    console = Console(json_output=json_output)
    settings = read_settings(
        host=host,
        port=port,
        allow_remote=allow_remote or None,
        allowed_hosts=tuple(allowed_host) if allowed_host else None,
    )
    runner, card = load_model(bundle, threads=threads)
    listener = bind(settings)
    shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"
    if card.warning is not None:
        console.warn(f"the thresholds of {card.name}: {card.warning}")
    if not settings.is_loopback:
        console.warn(
            f"{url} can be reached from other machines and has no login: anyone on this network can use it"
        )

    def announce() -> None:
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

    run(create_app(runner, card, settings), listener, on_ready=announce)
