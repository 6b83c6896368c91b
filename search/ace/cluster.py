"""Ray as a tuning needs it: quiet, with a few tries to start, and with processes that are ready to work.

Source: facts, section A, "Sandbox".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from search.ray_cluster import connected

TUNE_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # with verbose=0, no tables on the terminal
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of the user keep their meaning
}
TRIES = 5  # to start Ray: a tuning of hours should not fail for it


@contextmanager
def open_ray(*, slots: int, address: str | None = None) -> Iterator[None]:
    """Use the Ray that is running in this process, else join `address`, else start one for `slots` trials.

    Without `address`, Ray's own variable RAY_ADDRESS counts, as for any program that uses Ray. What was
    started or joined here is left at the end.

    Raises:
        InputError: no cluster answers at `address`.
        RayStartError: Ray did not start in any of the tries.
    """
    for name, value in TUNE_SETTINGS.items():
        os.environ.setdefault(name, value)
    where = address or os.environ.get("RAY_ADDRESS") or None
    with connected(where, num_cpus=slots, tries=TRIES):
        yield


def warm_up(slots: int, imports: type) -> None:
    """Start as many worker processes as trials run at a time, with everything imported that `imports` needs.

    A process takes seconds to start. Ray gives the first trials those that are idle, so that a budget in
    seconds is spent on trials.
    """
    ray.get([_import.remote(imports) for _ in range(slots)])


@ray.remote(num_cpus=1)
def _import(_: type) -> None:
    time.sleep(0.5)  # long enough that each process gets one
