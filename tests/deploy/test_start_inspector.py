"""The start script on drawn devices: it says what is wrong and what to do, and starts the server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "start_inspector.sh"
NANO = "# R32 (release), REVISION: 7.2, GCID: 30192233, BOARD: t210ref\n"
LIBRARIES = {
    "nano": ["libcuda.so.1", "libcudart.so.10.2", "libcudnn.so.8", "libnvinfer.so.8"],
    "orin": ["libcuda.so.1", "libcudart.so.12", "libcudnn.so.9", "libnvinfer.so.10"],
}


class Device:
    """A folder that looks like a healthy Nano, with the programs that the script asks."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "bin"
        self.programs.mkdir(parents=True)
        self.release(NANO)
        for name in LIBRARIES["nano"]:
            self.file(f"usr/lib/aarch64-linux-gnu/{name}", "elf")
        self.memory(swap_mb=4095, free_mb=2500)
        self.file("proc/swaps", "Filename Type\n/swapfile file\n")
        self.file("dev/video0", "")
        self.program("systemctl", "echo multi-user.target")
        self.program("nvpmodel", "echo 'NV Power Mode: MAXN'; echo 0")
        self.program("df", "echo Filesystem; echo /dev/root 29000 9000 20000 30% /")
        self.program("inspector", 'echo "started: $*"')

    def file(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def release(self, text: str) -> None:
        self.file("etc/nv_tegra_release", text)

    def memory(self, *, swap_mb: int, free_mb: int) -> None:
        self.file("proc/meminfo", f"MemAvailable: {free_mb * 1024} kB\nSwapTotal: {swap_mb * 1024} kB\n")

    def program(self, name: str, body: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.programs / name).chmod(0o755)

    def start(self, *arguments: str) -> tuple[int, str, list[str]]:
        """Return status, what the server printed, and the problems, each with its advice."""
        done = subprocess.run(
            ["bash", str(SCRIPT), *arguments],
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "DEVICE_ROOT": str(self.root),
                "INSPECTOR_STATE": str(self.root / "state"),
                "HOME": str(self.root),
            },
            capture_output=True,
            check=False,
        )
        said = done.stderr.decode().split("PROBLEM  ")[1:]
        return done.returncode, done.stdout.decode().strip(), said


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path)


def test_a_healthy_device_has_no_problem(device):
    assert device.start("--check") == (0, "", [])


def test_the_server_gets_the_arguments(device):
    assert device.start("part.bundle", "--port", "80") == (0, "started: serve part.bundle --port 80", [])


def test_a_problem_does_not_keep_the_server_from_starting(device):
    device.memory(swap_mb=0, free_mb=2500)
    status, printed, problems = device.start()
    assert (status, printed, len(problems)) == (0, "started: serve", 1)


def test_an_orin_has_other_libraries(device):
    device.release("# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64\n")
    _, _, (problem,) = device.start("--check")
    assert "libnvinfer.so.10" in problem
    for name in LIBRARIES["orin"]:
        device.file(f"usr/lib/aarch64-linux-gnu/{name}", "elf")
    assert device.start("--check") == (0, "", [])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d.release("# R32 (release), REVISION: 5.1"), ["L4T 32.5.1 is not", "Flash JetPack 4.6.1"]),
        (lambda d: d.release("# R35 (release), REVISION: 4.1"), ["L4T 35.4.1 is not supported"]),
        (lambda d: (d.root / "etc/nv_tegra_release").unlink(), ["does not look like a Jetson"]),
        (lambda d: (d.root / "usr/lib/aarch64-linux-gnu/libnvinfer.so.8").unlink(),
         ["not found, or empty: libnvinfer.so.8;", "csv-mounts=all"]),
        (lambda d: d.file("usr/lib/aarch64-linux-gnu/libcudnn.so.8", ""), ["or empty: libcudnn.so.8;"]),
        (lambda d: d.memory(swap_mb=1980, free_mb=2500), ["1980 MB of swap", "fallocate -l 4G /swapfile"]),
        (lambda d: d.file("proc/swaps", "Filename\n/dev/zram0 partition\n"), ["zram", "nvzramconfig"]),
        (lambda d: d.memory(swap_mb=4095, free_mb=700), ["700 MB of memory are free"]),
        (lambda d: d.program("systemctl", "echo graphical.target"), ["desktop", "set-default multi-user"]),
        (lambda d: d.program("nvpmodel", "echo 'NV Power Mode: 5W'"), ["power mode 5W", "nvpmodel -m 0"]),
        (lambda d: d.program("nvpmodel", "exit 1"), ["does not tell the power mode"]),
        (lambda d: d.program("df", "echo x; echo /dev/root 29000 28000 1000 97% /"), ["1000 MB of disk"]),
        (lambda d: d.file("state", "a file"), ["cannot be written by user", "chown"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(device, spoil, said):
    spoil(device)
    status, printed, problems = device.start("--check")
    assert (status, printed, len(problems)) == (1, "", 1)
    for words in said:
        assert words in problems[0]
