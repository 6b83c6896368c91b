"""A tuning that a test kills: `killed_tune ADDRESS DATA RUN`."""

import sys
from pathlib import Path

import tests.search.ace.local_ray  # noqa: F401  (sets Ray's environment before Ray is imported)
from inspector.console import Console
from search.tune.run import run_tune
from tests.search.tune.conftest import tiny_tune

if __name__ == "__main__":
    address, data, run = sys.argv[1:]
    run_tune(tiny_tune(Path(data)), Path(run), console=Console(), ray_address=address)
