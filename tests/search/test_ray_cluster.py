"""How often Ray is started on a machine that is too busy for it; Ray itself is not needed to see that."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from search.ray_cluster import RayStartError, connected


@dataclass
class BusyRay:
    """Stands in for the module `ray`: fails to start `failures` times, then starts."""

    failures: int
    starts: int = 0

    def is_initialized(self) -> bool:
        return False

    def init(self, **_: Any) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise RuntimeError("the node did not register")

    def shutdown(self) -> None: ...


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> BusyRay:
    ray = BusyRay(failures=2)
    monkeypatch.setitem(sys.modules, "ray", ray)
    return ray


def test_ray_is_started_again_until_it_starts(busy: BusyRay) -> None:
    with connected(None, num_cpus=1, tries=3) as ray:
        assert ray is busy
    assert busy.starts == 3


@pytest.mark.parametrize("tries", [1, 2])
def test_there_are_as_many_tries_as_are_asked_for(busy: BusyRay, tries: int) -> None:
    """Two loops, one around the other, once tried fifteen times: eight minutes on a machine without Ray."""
    with (
        pytest.raises(RayStartError, match=r"Ray did not start on this machine \(the node did not register"),
        connected(None, num_cpus=1, tries=tries),
    ):
        pass
    assert busy.starts == tries
