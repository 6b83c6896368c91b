"""`inspector keys`: make, list and revoke the keys of a server that others can reach."""

from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

import typer

from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from inspector.console import Console

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="The keys by which people and machines log in to a server; a running server takes them at once.",
)


class RoleName(str, Enum):
    """A role as it is written on the command line."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


_STATE = typer.Option(..., envvar="INSPECTOR_STATE", help="The server's state folder.")
_NAME = typer.Argument(..., help="Whose key it is, for example line7 or anna.")
_JSON = typer.Option(False, "--json", help="Print one JSON object on stdout.")


@app.command(epilog="Example: inspector keys add line7 --role operator --state /var/lib/visual-inspector")
def add(
    name: str = _NAME,
    role: RoleName = typer.Option(
        ..., help="viewer looks; operator also inspects and decides; admin also changes models and settings."
    ),
    state: Path = _STATE,
    json_output: bool = _JSON,
) -> None:
    """Make a key and show it once: only its hash is stored."""
    console = Console(json_output=json_output)
    secret = Keys(state).add(name, Role[role.name.upper()])
    console.say(
        f"the key of {name} ({role.value}), shown once: {'on stdout' if json_output else secret}\n"
        "Send it as `Authorization: Bearer KEY`, or log in with it on the page."
    )
    console.result({"name": name, "role": role.value, "key": secret})


@app.command(name="list", epilog="Example: inspector keys list --state /var/lib/visual-inspector")
def list_keys(state: Path = _STATE, json_output: bool = _JSON) -> None:
    """List the keys: name, role, when they were made. The keys themselves are not stored."""
    console = Console(json_output=json_output)
    keys = [
        {"name": key.name, "role": key.role, "created": _utc(key.created_ms)} for key in Keys(state).list()
    ]
    for key in keys:
        console.say(f"{key['name']:<24} {key['role']:<9} {key['created']}")
    if not keys:
        console.say(f"{state} has no keys")
    console.result({"keys": keys})


@app.command(epilog="Example: inspector keys revoke line7 --state /var/lib/visual-inspector")
def revoke(name: str = _NAME, state: Path = _STATE, json_output: bool = _JSON) -> None:
    """Make a key worthless, and end the sessions that were begun with it."""
    console = Console(json_output=json_output)
    Keys(state).revoke(name)
    console.say(f"the key of {name} is revoked")
    console.result({"revoked": name})


def _utc(created_ms: int) -> str:
    return datetime.fromtimestamp(created_ms // 1000, timezone.utc).isoformat().replace("+00:00", "Z")
