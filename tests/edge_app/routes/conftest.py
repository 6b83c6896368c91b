"""One device for the tests of a file: they must not depend on what others left on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge_app.routes.device import Device, device


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with device(tmp_path_factory.mktemp("device")) as opened:
        yield opened


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Device]:
    with device(tmp_path) as opened:
        yield opened
