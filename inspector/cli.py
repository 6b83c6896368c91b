"""`inspector <verb>`: finds the verbs of every installed package and loads only the one that is asked for.

A verb is an entry point of the group `inspector.verbs` that resolves to a `typer.Typer` app.
"""

import difflib
import errno
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Dict, List, Sequence

import typer

from inspector import __version__
from inspector.errors import InputError, InspectorError, StorageError

GROUP = "inspector.verbs"
_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_EXTRAS = {"search": "search", "export": "export", "edge_app": "edge"}
_OWN_PACKAGES = {"inspector", *_EXTRAS}

# What `inspector --help` says of a verb without importing it.
VERB_HELP = {
    "data": "Check a folder of images, download public data sets.",
    "demo": "The whole journey on a built-in part, offline, in minutes.",
    "detectability": "The smallest defect that a bundle finds, and where on the part.",
    "evaluate": "Measure a bundle on a data set with masks.",
    "export": "Turn a finished run into a deployable, checked bundle.",
    "inspect": "Find defects in files, folders and videos.",
    "keys": "Who may use the server: make, list and revoke keys.",
    "labels": "Find wrong labels, review them, clean a copy.",
    "latency": "Predict the milliseconds of a bundle on a device.",
    "profile": "Measure this device, for latency limits that hold.",
    "replay": "Judge stored results again and list what changes.",
    "reproduce": "A table or figure of the dissertation, run again.",
    "retrain": "Train a network that was found for another part.",
    "search": "Search the best network under hard limits.",
    "serve": "The edge server: page and REST.",
    "sign": "Make keys, sign bundles, check who signed one.",
    "tune": "Retrain a found network, tuned under constraints.",
}


def verb_entry_points() -> Dict[str, EntryPoint]:
    """Return the installed verbs by name."""
    found: Any = entry_points()
    chosen = found.select(group=GROUP) if hasattr(found, "select") else found.get(GROUP, ())
    return {point.name: point for point in chosen}


def main() -> None:
    """Run one verb and exit: 0 success, 1 a failed job, 2 input or usage to be changed."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit status; mistakes end in one sentence on stderr, no traceback."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(help_text())
        return 0
    if arguments[0] == "--version":
        print(f"inspector {__version__}")
        return 0
    try:
        return _run_verb(arguments[0], list(arguments[1:]))
    except ModuleNotFoundError as error:  # verbs import heavy modules late, so it may come while they run
        if error.name is None or error.name.split(".")[0] in _OWN_PACKAGES:
            raise
        return _fail(_missing_module(arguments[0], error))
    except InspectorError as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno not in _STORAGE_ERRNOS:
            raise
        return _fail(StorageError(_storage_sentence(error)))


def help_text() -> str:
    """Return what `inspector --help` prints: every installed verb with one line."""
    lines = [
        "Usage: inspector VERB [OPTIONS]",
        "",
        "From a folder of good photos to a pixel-wise defect inspector that runs on the edge, offline.",
        "",
        "Verbs:",
        *(f"  {name:<10} {VERB_HELP.get(name, '')}".rstrip() for name in sorted(verb_entry_points())),
        "",
        "Start with:  inspector demo",
        "Then:        inspector VERB --help",
    ]
    return "\n".join(lines)


def _run_verb(verb: str, arguments: List[str]) -> int:
    command = typer.main.get_command(_load(verb))
    try:
        status = command.main(args=arguments, prog_name=f"inspector {verb}", standalone_mode=False)
    except Exception as error:
        # Usage errors. typer brings a click of its own, so their class cannot be named for every version.
        if not (hasattr(error, "show") and hasattr(error, "exit_code")):
            raise
        error.show()
        return int(error.exit_code)
    return status if isinstance(status, int) else 0


def _load(verb: str) -> Any:
    points = verb_entry_points()
    if verb not in points:
        near = difflib.get_close_matches(verb, list(points), n=1, cutoff=0.0)
        hint = f"the nearest is `{near[0]}`" if near else "no verb is installed; run: pip install -e ."
        raise InputError(f"there is no verb `{verb}`; {hint} (inspector --help lists all)")
    return points[verb].load()


def _missing_module(verb: str, error: ModuleNotFoundError) -> InputError:
    package = verb_entry_points()[verb].value.split(".")[0]
    return InputError(
        f"`inspector {verb}` needs the Python module {error.name!r}, which is not installed; "
        f'run: pip install "visual-inspector[{_EXTRAS.get(package, "cpu")}]"'
    )


def _storage_sentence(error: OSError) -> str:
    where = error.filename if error.filename is not None else "the output"
    return (
        f"cannot use {where}: {error.strerror}; "
        "free some space, or choose a folder that you may read and write"
    )


def _fail(error: InspectorError) -> int:
    print(f"error: {error}", file=sys.stderr, flush=True)
    return error.exit_status
