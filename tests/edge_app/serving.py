"""`inspector serve` as a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 60

# The verb is found as an entry point, which exists only where the project is installed.
_RUN = (
    "import inspector.cli as cli; from importlib.metadata import EntryPoint; "
    "serve = EntryPoint('serve', 'edge_app.cli:app', cli.GROUP); "
    "cli.verb_entry_points = lambda: {'serve': serve}; cli.main()"
)


def serve_command(*arguments: str, prelude: str = "") -> list[str]:
    """The command line of a server; `prelude` is Python that its process runs first."""
    return [sys.executable, "-c", prelude + _RUN, "serve", *arguments]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **changes}


def fail_to_serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a serve command that must end by itself; its state folder is a temporary one."""
    with tempfile.TemporaryDirectory(prefix="inspector-state-") as folder:
        return subprocess.run(
            serve_command(*arguments),
            cwd=ROOT,
            env=environment(INSPECTOR_STATE=folder),
            capture_output=True,
            text=True,
            timeout=60,
        )


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


@contextmanager
def serving(
    bundle: Path | None, *arguments: str, state: Path | None = None, prelude: str = "", **env: str
) -> Iterator[Served]:
    """Start the server, wait until it says that it is ready, and end it afterwards.

    Its state folder is a temporary one where none is given.
    """
    if state is None:
        with tempfile.TemporaryDirectory(prefix="inspector-state-") as folder:
            with serving(bundle, *arguments, state=Path(folder), prelude=prelude, **env) as served:
                yield served
            return
    given = [] if bundle is None else [str(bundle)]
    options = ("--state", str(state), "--port", "0", "--threads", "1", "--json")
    command = serve_command(*given, *options, *arguments, prelude=prelude)
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = _first_line(process)
        assert line, process.communicate(timeout=20)[1]
        yield Served(process, json.loads(line))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if selector.select(timeout=START_LIMIT_S):
            return process.stdout.readline()
    raise TimeoutError(f"the server was not ready within {START_LIMIT_S} s")
