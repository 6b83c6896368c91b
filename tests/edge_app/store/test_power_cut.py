"""A power cut: the disk as it is at one moment, with all that the kernel had not written yet gone.

Source: facts edge_reliability, sections 1 and 7: an ext4 image on a loop device; the writer is stopped, the
image is copied, and the copy is mounted.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.edge_app.store.surviving import ROOT, assert_nothing_lost, crashing

NUM_ACKNOWLEDGED = 40
IMAGE_BYTES = 48 * 2**20


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    done = subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"loop mounts are not allowed here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def bench() -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or not Path("/dev/shm").is_dir():
        pytest.skip("a power cut needs root, mkfs.ext4 and /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def disk_after_power_cut(bench: Path, program: str, *numbers: int) -> tuple[Path, list[str]]:
    """Run a program on a file system and return that disk's image at the cut, and what was acknowledged."""
    image, cut = bench / "image", bench / "cut"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    with mounted(image, bench / "before") as folder:
        os.sync()
        environment = {**os.environ, "PYTHONPATH": ":".join([str(ROOT), *sys.path])}
        process = subprocess.Popen(
            crashing(program, folder, *numbers), cwd=ROOT, env=environment, stdout=subprocess.PIPE
        )
        with process:
            assert process.stdout is not None
            acknowledged = [process.stdout.readline().decode().strip() for _ in range(NUM_ACKNOWLEDGED)]
            process.send_signal(signal.SIGSTOP)
            shutil.copyfile(image, cut)
            process.kill()
    return cut, acknowledged


def test_what_was_acknowledged_survives_a_power_cut(bench: Path) -> None:
    cut, acknowledged = disk_after_power_cut(bench, "results", 10_000)
    with mounted(cut, bench / "after") as folder:
        assert assert_nothing_lost(folder, acknowledged) >= NUM_ACKNOWLEDGED


def test_such_a_cut_does_lose_what_was_not_synced(bench: Path) -> None:
    """Otherwise the test above would prove nothing."""
    cut, acknowledged = disk_after_power_cut(bench, "careless", NUM_ACKNOWLEDGED)
    with mounted(cut, bench / "after") as folder:
        files = [path for path in folder.glob("*.jpg") if path.stat().st_size > 0]
        assert len(acknowledged) == NUM_ACKNOWLEDGED
        assert len(files) < NUM_ACKNOWLEDGED
        path = folder / "careless.sqlite"
        if path.exists():
            connection = sqlite3.connect(str(path))
            try:
                tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
                rows = connection.execute("SELECT COUNT(*) FROM rows").fetchone()[0] if tables else 0
            finally:
                connection.close()
            assert rows < NUM_ACKNOWLEDGED
