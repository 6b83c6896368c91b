"""A checkpoint is whole or not there; a full disk leaves the old one."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.errors import RunError, StorageError
from search.training.checkpoint import load_checkpoint, save_checkpoint

OLD = {"step": 1, "net": {"weight": torch.arange(6.0).reshape(2, 3)}}
NEW = {"step": 2, "net": {"weight": torch.ones(2, 3)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoints" / "one_shot.pt"
    save_checkpoint(path, OLD)
    return path


def assert_old_is_whole_and_alone(path: Path) -> None:
    state = load_checkpoint(path)
    assert state is not None
    assert state["step"] == 1
    assert torch.equal(state["net"]["weight"], OLD["net"]["weight"])  # type: ignore[index]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def torch_on_a_full_disk(_state: Any, file: Any) -> None:
    file.write(b"half of it")
    raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")


@contextmanager
def files_at_most(num_bytes: int) -> Iterator[None]:
    """Let the kernel refuse to write more, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_checkpoint_comes_back_bit_for_bit(path: Path) -> None:
    state = {
        "step": 3,
        "x": torch.randn(5),
        "last": torch.randn(2, 4, 3, 3).to(memory_format=torch.channels_last),
    }
    save_checkpoint(path, state)
    again = load_checkpoint(path)
    assert again is not None
    assert torch.equal(again["x"], state["x"])  # type: ignore[arg-type]
    assert again["last"].stride() == state["last"].stride()  # type: ignore[attr-defined]


def test_no_file_means_no_checkpoint(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "none.pt") is None


@pytest.mark.parametrize(
    ("where", "replacement"),
    [("torch.save", torch_on_a_full_disk), ("torch.save", full_disk), ("os.fsync", full_disk)],
)
def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, where: str, replacement: Any
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, replacement)
        with pytest.raises(
            StorageError, match=r"cannot write checkpoint .*one_shot\.pt: .*make room and run"
        ):
            save_checkpoint(path, NEW)
    assert_old_is_whole_and_alone(path)


@pytest.mark.parametrize("num_bytes", [0, 100, 4096])
def test_a_file_that_the_kernel_cuts_off_leaves_the_old_checkpoint_too(path: Path, num_bytes: int) -> None:
    big = {"step": 2, "net": {"weight": torch.ones(100, 100)}}
    with files_at_most(num_bytes), pytest.raises(StorageError, match="cannot write checkpoint"):
        save_checkpoint(path, big)
    assert_old_is_whole_and_alone(path)


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder belongs")
    with pytest.raises(StorageError, match=r"cannot write checkpoint .*run/one_shot\.pt: "):
        save_checkpoint(tmp_path / "run" / "one_shot.pt", NEW)


def test_what_a_kill_left_of_a_write_does_not_disturb_the_next_one(path: Path) -> None:
    path.with_name(path.name + ".part").write_bytes(b"half a checkpoint")
    assert load_checkpoint(path)["step"] == 1  # type: ignore[index]
    save_checkpoint(path, NEW)
    assert load_checkpoint(path)["step"] == 2  # type: ignore[index]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "text"])
def test_a_damaged_checkpoint_is_named(path: Path, damage: str) -> None:
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "changed": content[:40] + bytes(200) + content[240:],
            "empty": b"",
            "text": b"hello",
        }[damage]
    )
    with pytest.raises(RunError, match=r"checkpoint .*one_shot\.pt is damaged \(\w+\); remove the run"):
        load_checkpoint(path)


def test_a_checkpoint_that_would_run_code_is_refused(path: Path) -> None:
    torch.save({"x": Path("/tmp")}, path)
    with pytest.raises(RunError, match="is damaged"):
        load_checkpoint(path)
