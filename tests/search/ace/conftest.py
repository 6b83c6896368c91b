"""One Ray for all tests of ACE, and a trial that needs no model."""

import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no phone home
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AUTH_MODE": "disabled",  # Ray's own unit-test setting; clusters keep their token
    "OMP_NUM_THREADS": "1",
}

# Ray talks to this machine only.
os.environ.update(RAY_ENVIRONMENT)


def ray_options(folder: str, *, num_cpus: int = 2) -> dict[str, Any]:
    """`ray.init` for a test: small, silent, and short paths, since they are names of sockets."""
    return {
        "num_cpus": num_cpus,
        "include_dashboard": False,
        "object_store_memory": 128 << 20,
        "_temp_dir": folder,
        "log_to_driver": False,
        "logging_level": "ERROR",
    }


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Any]:
    """The `ray` module, initialised once for all tests that run it in this process."""
    import ray

    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own: what it finds out about the machine, children's pipes
            ray.init(**ray_options(folder))
        yield ray
        ray.shutdown()


@pytest.fixture
def tune_folder(tmp_path: Path) -> str:
    """A folder for the results of an experiment."""
    return str(tmp_path / "tune")




def curve_trainable() -> Any:
    """Return a ConstrainedTrainable whose objective and constraint are given curves, and which costs nothing.

    config: `objective` and `constraint`, lists by iteration (the last value goes on); optional `crash_at`.
    """
    from search.ace import ConstrainedTrainable

    class Curve(ConstrainedTrainable):
        def build(self, config: dict[str, Any]) -> None:
            self.spec, self.at = config, 0

        def train_one_iteration(self) -> None:
            self.at += 1
            if self.spec.get("crash_at") == self.at:
                raise RuntimeError("this trial crashes on purpose")

        def objective(self) -> float:
            return float(self._value("objective"))

        def constraint(self) -> float:
            return float(self._value("constraint"))

        def _value(self, name: str) -> float:
            values = self.spec[name]
            value = values[min(self.at, len(values)) - 1]
            return math.nan if value is None else value

        def write_model(self, folder: Path) -> None:
            (folder / "at.json").write_text(json.dumps(self.at))

        def read_model(self, folder: Path) -> None:
            self.at = json.loads((folder / "at.json").read_text())

    return Curve
