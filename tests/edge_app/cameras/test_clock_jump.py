"""The wall clock jumps by an hour: ages, order and freshness do not notice.

Not by libfaketime: 0.9.10 makes Python's `time.sleep` fail with EINVAL where the monotonic clock stays true.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.edge_app.cameras.servers import mjpeg_server

REPOSITORY = Path(__file__).parents[3]

# Python imports a `sitecustomize` by itself, in the server and in each camera's process.
CLOCK = """
import os, time
from pathlib import Path
true_time, jump = time.time, Path(os.environ["TEST_CLOCK"])
time.time = lambda: true_time() + float(jump.read_text() or 0)
"""

SERVER = """
import json, sys
from pathlib import Path
from edge_app.cameras.address import source_request
from edge_app.cameras.supervisor import SupervisedCamera
from edge_app.services.camera import CameraSettings
if __name__ == "__main__":
    address, clock = sys.argv[1:]
    settings = CameraSettings(name="line1", address=address)
    def request(seq):
        return source_request(settings, recordings=Path("/"), first_seq=seq)
    camera = SupervisedCamera(settings, request)
    camera.start()
    seen, after = [], 0
    for number in range(60):
        frame = camera.wait_next(after, 20)
        after = frame.seq
        seen.append((frame.seq, frame.captured_s, frame.captured_ms, camera.stats().age_ms, str(frame.fault)))
        if number == 5:
            Path(clock).write_text("3600")
    stats = camera.stats()
    camera.stop()
    print(json.dumps({"seen": seen, "restarts": stats.num_restarts, "error": stats.last_error}))
"""


def test_a_jump_of_the_clock_changes_nothing_but_the_time_for_people(tmp_path: Path) -> None:
    clock, script = tmp_path / "clock", tmp_path / "server.py"
    clock.write_text("0")
    script.write_text(SERVER)
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}",
        "TEST_CLOCK": str(clock),
    }
    with mjpeg_server(interval_s=0.02) as server:
        done = subprocess.run(
            [sys.executable, str(script), server.address, str(clock)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    seqs, stamps_s, wall_ms, ages_ms, faults = zip(*answer["seen"], strict=True)
    assert max(wall_ms) - min(wall_ms) > 3_500_000  # the clock did jump
    assert list(seqs) == sorted(set(seqs))
    assert list(stamps_s) == sorted(stamps_s)
    assert stamps_s[-1] - stamps_s[0] < 3000
    assert min(ages_ms) >= 0
    assert max(ages_ms) < 3_000_000
    assert set(faults) == {"None"}
    assert (answer["restarts"], answer["error"]) == (0, "")
