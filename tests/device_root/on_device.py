"""What runs on the device, on Python 3.8 and the device's packages alone: answers, server, store, camera.

python -m tests.device_root.on_device answers WORK NAME     WORK/NAME.npz and .json: the runner's answers
python -m tests.device_root.on_device all WORK NAME         these, and what a server on the bundle does
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import cv2
import numpy as np

from edge_app.client import Client
from inspector.bundle import Bundle
from inspector.postprocess import smooth
from inspector.runtime import Runner

BUNDLE, PHOTOS, STATE = "part.bundle", "photos", "state"
CAMERA = "replay"
NUM_FRAMES = 3
TIMEOUT_S = 300.0
NOT_IMPORTED = {
    "pip",
    "setuptools",
    "wheel",
    "visual-inspector",
    "visual_inspector",
}  # tools, and what is tested
INSPECTOR = [sys.executable, "-c", "from inspector.cli import main; main()"]


def main() -> None:
    """Run one of the two."""
    task, work, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    scores, facts = answers(work)
    if task == "all":
        facts["num_imported"] = len(import_everything())
        facts["command_line"] = command_line(work)
        facts.update(served(work, scores))
    write(work, name, scores, facts)


def write(work: Path, name: str, scores: Dict[str, np.ndarray], facts: Dict[str, Any]) -> None:
    """Leave the answers for `compare`."""
    np.savez(str(work / f"{name}.npz"), **scores)
    (work / f"{name}.json").write_text(json.dumps(facts, indent=1))


def answers(work: Path) -> Tuple[Dict[str, np.ndarray], Dict[str, Any]]:
    """Return the score map of each photo, float32 (H, W), and the verdicts."""
    started_s = time.monotonic()
    runner = Runner.open(Bundle.open(work / BUNDLE), runtime="cpu", threads=1)
    golden = runner.self_test()
    first_answer_s = time.monotonic() - started_s
    scores, verdicts, latencies = {}, {}, []
    for photo in photos(work):
        inspection = runner.inspect(cv2.imread(str(photo)))
        scores[photo.stem] = inspection.score
        scores[f"smoothed/{photo.stem}"] = smooth(inspection.score)
        verdicts[photo.stem] = inspection.judgement.verdict.value
        latencies.append(inspection.latency_ms)
    facts = {
        "golden_difference": golden,
        "first_answer_s": round(first_answer_s, 2),
        "latency_ms": round(float(np.median(latencies)), 1),
        "verdicts": verdicts,
    }
    return scores, facts


def photos(work: Path) -> Iterator[Path]:
    """The photos in the order of their names."""
    return iter(sorted((work / PHOTOS).glob("*.png")))


def import_everything() -> List[str]:
    """Import every module at the top of every package that is installed beside this project."""
    names = set()
    for package in metadata.distributions():
        if package.metadata["Name"] not in NOT_IMPORTED:
            files = [file for file in package.files or () if file.suffix in (".py", ".so")]
            names |= {file.parts[0] if len(file.parts) > 1 else file.name.split(".")[0] for file in files}
    modules = sorted(name for name in names if name.isidentifier())
    for name in modules:
        importlib.import_module(name)
    return modules


def command_line(work: Path) -> Dict[str, str]:
    """Return the verdicts of `inspector inspect`."""
    command = [*INSPECTOR, "inspect", str(work / BUNDLE), str(work / PHOTOS), "--json"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return {Path(one["file"]).stem: one["verdict"] for one in json.loads(printed)["results"]}


def served(work: Path, scores: Dict[str, np.ndarray]) -> Dict[str, Any]:
    """Post the photos, let a camera replay them, kill the server, and look for everything it acknowledged."""
    with Server(work, str(work / BUNDLE)) as server:
        facts: Dict[str, Any] = {"start_s": server.start_s}
        posted = {photo.stem: server.client.inspect(photo) for photo in photos(work)}
        facts["served"] = {name: one.verdict for name, one in posted.items()}
        facts["stored"] = all(one.stored for one in posted.values())
        for name, one in posted.items():
            scores[f"smoothed/{name}"] = server.client.score(one.id)  # in place of the runner's
        add_replay(work, server.url)
        facts["camera_frames"] = wait_for_frames(server.client)
        facts["memory"] = server.memory_mb()
        acknowledged = {one.id for one in server.client.results()}
        server.kill()
    with Server(work) as server:  # no bundle: the model that served last
        found = {one.id for one in server.client.results()}
        facts["num_acknowledged"] = len(acknowledged)
        facts["num_lost"] = len(acknowledged - found)
        facts["photos_kept"] = all(server.client.picture(one.id) for one in posted.values())
        facts["exit_status"] = server.stop()
    return facts


class Server:
    """`inspector serve` in a process group of its own; gone after the block."""

    def __init__(self, work: Path, *arguments: str) -> None:
        state = ["--state", str(work / STATE), "--port", "0", "--threads", "1", "--json"]
        started_s = time.monotonic()
        self._process = subprocess.Popen(
            [*INSPECTOR, "serve", *arguments, *state], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        announced = self._process.stdout.readline()
        if not announced:
            raise SystemExit(f"the server ended with status {self._process.wait()}")
        self.start_s = round(time.monotonic() - started_s, 1)
        self.url = json.loads(announced)["url"]
        self.client = Client(self.url, timeout_s=TIMEOUT_S)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill(self) -> None:
        """As a power cut would, for the process at least."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self._process.terminate()
        return self._process.wait(TIMEOUT_S)

    def memory_mb(self) -> Dict[str, int]:
        """Return resident memory now and at its peak; under qemu, that of qemu as well."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        values = dict(line.split(":", 1) for line in lines)
        return {key: int(values[key].split()[0]) // 1024 for key in ("VmRSS", "VmHWM")}


def add_replay(work: Path, url: str) -> None:
    """Have a camera that plays the photos."""
    recordings = work / STATE / "recordings" / "parts"
    recordings.mkdir(parents=True)
    for photo in photos(work):
        (recordings / photo.name).write_bytes(photo.read_bytes())
    settings = {"name": CAMERA, "address": "folder:parts", "fps": 2, "timeout_s": 30, "frozen_s": None}
    request = urllib.request.Request(
        f"{url}/api/v1/cameras",
        data=json.dumps(settings).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        assert answer.status == 201


def wait_for_frames(client: Client) -> Dict[str, int]:
    """Wait until frames of the camera were inspected; count their verdicts."""
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        verdicts = [one.verdict for one in client.results(source=CAMERA)]
        if len(verdicts) >= NUM_FRAMES:
            return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
        if time.monotonic() > end_s:
            raise SystemExit(
                f"{len(verdicts)} frames of the camera came in {TIMEOUT_S:g} s: {client.cameras()}"
            )
        time.sleep(1)


if __name__ == "__main__":
    main()
