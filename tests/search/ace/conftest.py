"""One Ray for all tests of ACE."""

import gc
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.search.ace.local_ray import local_ray


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Any]:
    """The `ray` module, initialised once for all tests of this process."""
    folder = tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True)
    with folder as name, local_ray(name) as ray:
        yield ray


@pytest.fixture
def tune_folder(tmp_path: Path) -> Iterator[str]:
    """A folder for the results of an experiment."""
    yield str(tmp_path / "tune")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray leaves the files of crashed trials open
        gc.collect()
