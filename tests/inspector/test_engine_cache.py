"""The cache of engines: leftovers of killed builds, and two servers that share it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import StorageError
from inspector.runtime import engine_build
from inspector.runtime.engine import Network
from inspector.runtime.engine_cache import EngineCache, EngineKey

KEY = EngineKey("0" * 64, "tensorrt", "8.2", "8.2", "sm_53", "fp16", 256, "MAXN")


def test_leftovers_of_killed_builds_are_swept_but_not_a_running_one(tmp_path: Path) -> None:
    # Power is cut in the middle of a build: its copy of the model stayed on the card for good.
    (tmp_path / ".building-killed").mkdir()
    (tmp_path / ".building-killed" / "model").write_bytes(b"x")
    cache = EngineCache(tmp_path)
    with cache.building(KEY) as running, EngineCache(tmp_path).building(KEY) as other:
        assert {path.name for path in tmp_path.iterdir()} == {running.name, other.name}
        (running / "engine.plan").write_bytes(b"first")
    assert cache.find(KEY) is not None


def test_two_servers_that_build_the_same_engine_both_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = EngineCache(tmp_path), EngineCache(tmp_path)
    with first.building(KEY) as folder:
        (folder / "engine.plan").write_bytes(b"first")
        with second.building(KEY) as other:
            (other / "engine.plan").write_bytes(b"second")
        monkeypatch.setattr(first, "drop", lambda key: None)  # the other one renames between drop and rename
    found = first.find(KEY)
    assert found is not None
    assert (found / "engine.plan").read_bytes() == b"second"


def test_a_disk_that_is_full_before_the_build_is_told(tmp_path: Path) -> None:
    network = Network(b"x", where="test", input_hw=(1, 1))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write .*model\.onnx: .*; free some space"):
        engine_build.build_in_subprocess(network, "tensorrt", tmp_path / "file")
