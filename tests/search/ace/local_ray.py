"""How tests start Ray: small, silent, closed to the outside, and patient on a busy machine."""

import os
import time
import warnings
from typing import Any

# Read when Ray is imported, and by the processes it starts.
os.environ.update(
    {
        "RAY_USAGE_STATS_ENABLED": "0",  # no phone home
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_AUTH_MODE": "disabled",  # Ray's own setting for unit tests; a real cluster keeps its token
    }
)


def start_ray(folder: str, *, num_cpus: int = 2, tries: int = 4) -> Any:
    """Return the `ray` module, initialised.

    Args:
        folder: Short, since it holds sockets.
        tries: Ray gives its own helpers 15 s to start and dies where a busy machine takes longer.
    """
    import ray

    for last in [False] * (tries - 1) + [True]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Ray's own, about the machine and its children's pipes
                ray.init(
                    num_cpus=num_cpus,
                    include_dashboard=False,
                    object_store_memory=128 << 20,
                    _temp_dir=folder,
                    log_to_driver=False,
                    logging_level="ERROR",
                )
            return ray
        except (Exception, SystemExit):  # Ray raises both, bare
            if last:
                raise
            ray.shutdown()
            time.sleep(2.0)
    raise AssertionError("unreachable")
