"""`inspector <verb>`: finds the verbs of every installed package and loads only the one that is asked for.

A verb is an entry point of the group `inspector.verbs` that resolves to a `typer.Typer` app.
"""

import errno
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Dict, List, Optional, Sequence

import click
import typer

from inspector import __version__
from inspector.errors import InputError, InspectorError, StorageError

GROUP = "inspector.verbs"
_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}

# What `inspector --help` says of a verb without importing it.
VERB_HELP = {
    "data": "Check a folder of images, download public data sets.",
    "demo": "The whole journey on a built-in part, offline, in minutes.",
    "evaluate": "Measure a bundle on a data set with masks.",
    "export": "Turn a finished run into a deployable, checked bundle.",
    "inspect": "Find defects in files, folders and videos.",
    "search": "Search the best network under hard limits.",
    "serve": "The edge server: live page and REST.",
}


def verb_entry_points() -> Dict[str, EntryPoint]:
    """Return the installed verbs by name."""
    found: Any = entry_points()
    chosen = found.select(group=GROUP) if hasattr(found, "select") else found.get(GROUP, ())
    return {point.name: point for point in chosen}


class VerbGroup(click.Group):
    """A click group whose commands are entry points, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> List[str]:
        return sorted(verb_entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        point = verb_entry_points().get(cmd_name)
        if point is None:
            return None
        try:
            app = point.load()
        except ModuleNotFoundError as error:
            raise InputError(_missing_module(cmd_name, point.value, error)) from error
        command: click.Command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERB_HELP.get(name, "")) for name in self.list_commands(ctx)])


def _missing_module(verb: str, target: str, error: ModuleNotFoundError) -> str:
    extra = {"search": "search", "export": "export", "edge_app": "edge"}.get(target.split(".")[0], "cpu")
    return (
        f"`inspector {verb}` needs the Python module {error.name!r}, which is not installed; "
        f'run: pip install "visual-inspector[{extra}]"'
    )


@click.group(
    cls=VerbGroup,
    help="From a folder of good photos to a pixel-wise defect inspector that runs on the edge, offline.",
    epilog="Start with: inspector demo",
)
@click.version_option(__version__, prog_name="inspector")
def _root() -> None:
    """Only the group: each verb does its own work."""


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run one verb and exit: 0 success, 1 a failed job, 2 input or usage to be changed."""
    sys.exit(run(arguments))


def run(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one verb and return its exit status; errors end in one sentence on stderr."""
    try:
        status = _root.main(args=arguments, prog_name="inspector", standalone_mode=False)
    except click.exceptions.Abort:
        print("aborted", file=sys.stderr)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except InspectorError as error:
        return _fail(error)
    except OSError as error:
        if error.errno not in _STORAGE_ERRNOS:
            raise
        return _fail(StorageError(_storage_sentence(error)))
    return status if isinstance(status, int) else 0


def _storage_sentence(error: OSError) -> str:
    where = error.filename if error.filename is not None else "the output"
    return f"cannot write {where}: {error.strerror}; free some space or choose another folder"


def _fail(error: InspectorError) -> int:
    print(f"error: {error}", file=sys.stderr, flush=True)
    return error.exit_status
