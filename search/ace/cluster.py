"""One Ray for a job: a given cluster, or this machine alone, which talks to nobody outside.

Source: facts, section A, "Sandbox".
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from inspector.errors import InputError, InspectorError

logger = logging.getLogger(__name__)

CLOSED_MACHINE = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no phone home
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # with verbose=0, no tables on the terminal
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of the user keep their meaning
}
OBJECT_STORE_BYTES = 128 << 20
TRIES = 5


class RayStartError(InspectorError):
    """Ray did not start on this machine."""


@contextmanager
def open_ray(*, slots: int, address: str | None = None) -> Iterator[None]:
    """Use the Ray that is running in this process, else join `address`, else start one for `slots` trials.

    What was started or joined here is left at the end.

    Raises:
        InputError: no cluster answers at `address`.
        RayStartError: this machine is too busy.
    """
    for name, value in CLOSED_MACHINE.items():
        os.environ.setdefault(name, value)
    if ray.is_initialized():
        yield
        return
    # Ray's sockets lie below this folder, and a socket's path is limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        if address is not None:
            _join(address)
        else:
            _start(slots, folder)
        try:
            yield
        finally:
            ray.shutdown()


def warm_up(slots: int, imports: type) -> None:
    """Start as many worker processes as trials run at a time, with everything imported that `imports` needs.

    A process takes seconds to start. Ray gives the first trials those that are idle, so that a budget in
    seconds is spent on trials.
    """
    ray.get([_import.remote(imports) for _ in range(slots)])


@ray.remote(num_cpus=1)
def _import(_: type) -> None:
    time.sleep(0.5)  # long enough that each process gets one


def _join(address: str) -> None:
    try:
        _initialise(address=address)
    except ConnectionError as error:
        raise InputError(f"no Ray cluster answers at {address!r}: {error}") from error


def _start(slots: int, folder: str) -> None:
    """Start Ray; on a busy machine it may take longer than the 30 s that Ray waits for itself."""
    for attempt in range(1, TRIES + 1):
        try:
            _initialise(
                num_cpus=slots,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=f"{folder}/{attempt}",
            )
            return
        except Exception as error:  # Ray raises a bare Exception here
            ray.shutdown()
            if attempt == TRIES:
                raise RayStartError(f"Ray did not start in {TRIES} tries; the last said: {error}") from error
            logger.warning("Ray did not start (%s); trying again", error)


def _initialise(**options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own: what it finds out about the machine, children's pipes
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
