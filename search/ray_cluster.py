"""One way to reach Ray: a cluster that runs, or one that is started here for the time of a job.

Ray is imported when a job asks for it, never before. A Ray that this process uses already is taken as it is.
"""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inspector.errors import InputError, InspectorError

logger = logging.getLogger(__name__)

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # a factory's workstation reports to nobody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
OBJECT_STORE_BYTES = 512 << 20
TRIES = 3


class RayStartError(InspectorError):
    """Ray could not be started on this machine."""


@contextmanager
def connected(address: str | None, *, num_cpus: int, tries: int = TRIES) -> Iterator[Any]:
    """Yield the module `ray`, connected; disconnects afterwards if it was not before.

    Args:
        address: Of a running cluster, such as `10.0.0.5:6379`; None: one is started on this machine.
        num_cpus: How many workers of one processor each a cluster that is started here has room for.
        tries: How often to start one: a busy machine may take longer than Ray waits for itself.

    Raises:
        InputError: nothing answers at `address`.
        RayStartError: it did not start here in any of the tries, as on a machine that is far too busy.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        yield ray
        return
    # Sockets lie in this folder, and their paths may not be longer than about 100 characters.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own, about the machine that it finds
            if address is None:
                _start(ray, folder, num_cpus=num_cpus, tries=tries, options=quiet)
            else:
                _join(ray, address, quiet)
        try:
            yield ray
        finally:
            _leave(ray)


def _leave(ray: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray forgets pipes and processes that it has ended
        ray.shutdown()
        gc.collect()


def _start(ray: Any, folder: str, *, num_cpus: int, tries: int, options: dict[str, Any]) -> None:
    """Start Ray; where it takes longer than the 30 s that Ray waits for itself, it is tried again."""
    for left in reversed(range(tries)):
        try:
            ray.init(
                num_cpus=num_cpus,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=folder,
                **options,
            )
            return
        except Exception as error:  # Ray has no class of its own for it
            _leave(ray)
            why = f"Ray did not start on this machine ({' '.join(str(error).split())[:200]})"
            if not left:
                raise RayStartError(
                    f"{why}; run the same command again when the machine is less busy, or without workers"
                ) from error
            logger.warning("%s; trying again", why)


def _join(ray: Any, address: str, options: dict[str, Any]) -> None:
    try:
        ray.init(address=address, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"no Ray cluster answers at {address} ({' '.join(str(error).split())[:200]}); "
            "start one with `ray start --head`, or leave --ray-address out"
        ) from error
