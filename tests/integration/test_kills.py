"""The real server under load is killed, stopped, given other models: nothing acknowledged is lost."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from benchmarks.faults.kills import kill_under_load
from benchmarks.posting import Posters
from benchmarks.stored import is_intact
from tests.edge_app.model_bundles import other_bundle
from tests.edge_app.outbox.parts import wait_until
from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import part, write_tiny_bundle

NUM_SWAPS = 50
API = "/api/v1"
# The network takes its time, so that photos wait when the signal comes.
SLOW_NETWORK = """
import time
import edge_app.services.inspection as inspection
look = inspection.look
inspection.look = lambda *given, **more: (time.sleep(0.25), look(*given, **more))[1]
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("kills") / "tiny.bundle")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes nothing for a defect that is darker than white."""
    return other_bundle(tmp_path_factory.mktemp("other"), "2", bright=1.5)


def jpeg(*, defect: bool = True) -> bytes:
    return cv2.imencode(".jpg", part(3, defect=defect, scale=5)[0])[1].tobytes()


def ask(served: Served, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
    request = urllib.request.Request(served.url + API + path, body, method=method)
    if kind:
        request.add_header("Content-Type", kind)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def upload(served: Served, bundle: Path) -> str:
    entry = ask(served, "POST", "/models", bundle.read_bytes(), "application/zip")
    return str(entry["digest"])


def activate(served: Served, digest: str) -> None:
    ask(served, "POST", f"/models/{digest}/activate")


def inspect(served: Served) -> dict[str, Any]:
    answer: dict[str, Any] = ask(served, "POST", "/inspections", jpeg(), "image/jpeg")
    return answer


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_ten_kills_under_load(bundle: Path, tmp_path: Path) -> None:
    """A hundred: `python -m benchmarks.faults --kills 100`."""
    killed, found = kill_under_load(bundle, tmp_path, jpeg(), kills=10, seed=1)
    assert killed.lost_at_once == []
    assert (found.lost, found.doubled, found.damaged, found.twice) == ([], [], [], [])
    assert found.num_stored >= found.num_acknowledged >= 10
    assert is_intact(tmp_path)


def test_fifty_swaps_under_load_fail_no_request(bundle: Path, other: Path, tmp_path: Path) -> None:
    with serving(bundle, state=tmp_path, INSPECTOR_MAX_REQUESTS_PER_S="100000") as served:
        digests = [upload(served, other), ask(served, "GET", "/models")["serving"]]
        posters = Posters(served.port, jpeg(), num_clients=3, name="swaps")
        for number in range(NUM_SWAPS):
            activate(served, digests[number % 2])
            posters.wait_for(len(posters.acknowledged) + 1)
        posters.close()
        stored = ask(served, "GET", "/health")["details"]["store"]["num_results"]
    assert set(posters.statuses) == {201}
    assert (posters.broken, posters.not_stored) == ([], [])
    answers = Counter((one.model, one.verdict) for one in posters.acknowledged)
    assert set(answers) == {("1", "FAIL"), ("2", "PASS")}  # each by the model that it names
    assert min(answers.values()) >= NUM_SWAPS // 5
    assert stored == len(posters.acknowledged) == len({one.id for one in posters.acknowledged})


def test_a_kill_in_the_middle_of_a_swap_leaves_a_model_that_answers(
    bundle: Path, other: Path, tmp_path: Path
) -> None:
    verdicts = {"1": "FAIL", "2": "PASS"}
    with serving(bundle, state=tmp_path) as served:
        digests = {"2": upload(served, other), "1": ask(served, "GET", "/models")["serving"]}
        start_s = time.perf_counter()
        activate(served, digests["2"])
        swap_s = time.perf_counter() - start_s
        served.process.kill()  # acknowledged: this one must be there
    for share in (0.3, 0.7, 0.95):
        with serving(None, state=tmp_path) as served:
            answer = inspect(served)
            version = str(answer["model"]["version"])
            assert answer["verdict"] == verdicts[version]
            if share == 0.3:
                assert version == "2"
            swap = threading.Thread(
                target=ignore_the_end, args=(activate, served, digests["21"[version == "2"]])
            )
            swap.start()
            time.sleep(share * swap_s)
            served.process.kill()
            swap.join()
    with serving(None, state=tmp_path) as served:
        answer = inspect(served)
        assert answer["verdict"] == verdicts[str(answer["model"]["version"])]
        activate(served, digests["1"])
        assert inspect(served)["model"]["version"] == "1"


def ignore_the_end(job: Callable[..., None], *given: Any) -> None:
    try:
        job(*given)
    except OSError:
        return


def test_sigterm_finishes_what_was_taken(bundle: Path, tmp_path: Path) -> None:
    num = 6
    with serving(bundle, state=tmp_path, prelude=SLOW_NETWORK) as served:
        answers: list[dict[str, Any]] = []
        clients = [threading.Thread(target=lambda: answers.append(inspect(served))) for _ in range(num)]
        for client in clients:
            client.start()
        wait_until(lambda: ask(served, "GET", "/health")["details"]["num_waiting"] == num, "photos inside")
        served.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        _, errors = served.process.communicate(timeout=20)
        assert "Traceback" not in errors
    assert [answer["stored"] for answer in answers] == [True] * num
    with serving(None, state=tmp_path) as served:
        for answer in answers:
            assert ask(served, "GET", f"/inspections/{answer['id']}")["verdict"] == "FAIL"
