"""How tests start nodes of Ray: small, silent, closed to the outside, and patient on a busy machine."""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Read when Ray is imported, and by the processes it starts.
os.environ.update(
    {
        "RAY_USAGE_STATS_ENABLED": "0",  # no phone home
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_AUTH_MODE": "disabled",  # Ray's own setting for unit tests; a real cluster keeps its token
        "RAY_agent_register_timeout_ms": "300000",  # helpers may take their time on a busy machine
    }
)

OBJECT_STORE_BYTES = 128_000_000


@contextmanager
def local_ray(folder: str, *, num_cpus: int = 2, tries: int = 6) -> Iterator[Any]:
    """Yield the `ray` module, initialised.

    Args:
        folder: Short, since it holds sockets.
        tries: A node gives each of its helpers 15 s to start, and dies where a busy machine takes longer.
    """
    import ray

    for number in range(tries):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Ray's own, about the machine and its children's pipes
                ray.init(
                    num_cpus=num_cpus,
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    _temp_dir=f"{folder}/{number}",
                    log_to_driver=False,
                    logging_level="ERROR",
                )
            break
        except (Exception, SystemExit):  # Ray raises both, bare
            ray.shutdown()
            if number == tries - 1:
                raise
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def second_node(ray: Any, *, resources: Mapping[str, float], tries: int = 6) -> Iterator[None]:
    """Keep another node, with `resources` of its own, in the cluster while the context is open."""
    command = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus=1"]
    command += [f"--address={ray.get_runtime_context().gcs_address}"]
    command += [f"--object-store-memory={OBJECT_STORE_BYTES}", f"--resources={json.dumps(dict(resources))}"]

    def is_there() -> bool:
        return set(resources) <= set(ray.cluster_resources())

    for _ in range(tries):
        node = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda node=node: is_there() or node.poll() is not None)
        if is_there():
            break
    assert is_there(), f"`ray start` ended with status {node.returncode} {tries} times"
    try:
        yield
    finally:
        node.terminate()
        node.wait(120)
        wait_until(lambda: not is_there())


def wait_until(holds: Callable[[], bool], *, seconds: float = 300.0) -> None:
    """Return when `holds()` is true."""
    end_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_s, f"it did not come true within {seconds:.0f} s"
        time.sleep(0.1)
