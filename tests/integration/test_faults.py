"""Faults around the real server: it goes on inspecting, says what is wrong, and recovers by itself.

The clock jumps by `sitecustomize`, not by libfaketime: see tests/edge_app/cameras/test_clock_jump.py.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.posting import Posters, marked
from tests.edge_app.cameras.test_clock_jump import CLOCK
from tests.edge_app.outbox.broker import Broker, Subscriber, in_order_without_repeats
from tests.edge_app.outbox.parts import FAST, wait_until
from tests.edge_app.serving import ROOT, Served, serving
from tests.integration.test_kills import ask, jpeg
from tests.small_disk import fill_up, mounted
from tests.tiny_bundle import write_tiny_bundle

TEN_YEARS_S = 10 * 365 * 24 * 3600
LARGE = 60_000  # bytes of a photo that fills a small disk


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("faults") / "tiny.bundle")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", megabytes=8) as folder:
        yield folder


def post_large(served: Served, number: int) -> dict[str, Any]:
    photo = marked(jpeg(), f"{number:05}" + "." * LARGE)
    answer: dict[str, Any] = ask(served, "POST", "/inspections", photo, "image/jpeg")
    return answer


def post_until(served: Served, numbers: Iterator[int], *, stored: bool) -> list[dict[str, Any]]:
    """Post until an answer is stored, or is not; return all of them."""
    answers = []
    for number in itertools.islice(numbers, 400):
        answers.append(post_large(served, number))
        if answers[-1]["stored"] is stored:
            return answers
    raise AssertionError(f"400 photos, and stored was never {stored}")


def test_a_full_disk_stops_storing_and_nothing_else(bundle: Path, small_disk: Path) -> None:
    (small_disk / "settings.json").write_text('{"storage": {"min_free_mb": 0}}')
    numbers, filler = itertools.count(), small_disk / "filler"
    with serving(bundle, state=small_disk) as served:
        answers = post_until(served, numbers, stored=True)
        fill_up(filler)
        answers += post_until(served, numbers, stored=False)
        fill_up(filler)
        answers += [post_large(served, next(numbers)) for _ in range(3)]
        assert {answer["verdict"] for answer in answers} == {"FAIL"}
        details = ask(served, "GET", "/health")["details"]
        assert details["store"]["state"] == "degraded"
        assert "the disk is full" in details["store"]["reason"]
        assert details["store"]["reason"] in details["problems"]
        assert ask(served, "GET", "/ready") == {"ready": True}

        filler.unlink()
        answers += post_until(served, numbers, stored=True)
        details = ask(served, "GET", "/health")["details"]
        assert (details["store"]["state"], details["problems"]) == ("ok", [])
        served.process.kill()
    acknowledged = {answer["id"] for answer in answers if answer["stored"]}
    with serving(None, state=small_disk) as served:
        assert ids_of(served) == acknowledged
        assert ask(served, "GET", f"/inspections/{answers[-1]['id']}")["links"]["image"] is not None


def ids_of(served: Served, query: str = "") -> set[str]:
    page = ask(served, "GET", f"/inspections?limit=500{query}")
    assert page["next_cursor"] is None
    return {item["id"] for item in page["items"]}


def write_recording(state: Path) -> None:
    folder = state / "recordings" / "line"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(80, 120, (64, 96, 3), dtype=np.uint8))


def camera_named(name: str) -> bytes:
    return json.dumps({"name": name, "address": "folder:line", "fps": 20, "min_interval_ms": 50}).encode()


def test_a_killed_camera_comes_back_and_the_other_never_stops(bundle: Path, tmp_path: Path) -> None:
    write_recording(tmp_path)
    with serving(bundle, state=tmp_path) as served:
        for name in ("a", "b"):
            ask(served, "POST", "/cameras", camera_named(name), "application/json")
        wait_until(lambda: all(one["station"]["num_inspected"] > 3 for one in cameras(served)), "inspections")
        os.kill(camera_processes(served.process.pid)[0], signal.SIGKILL)
        wait_until(lambda: any(one["camera"]["state"] == "waiting" for one in cameras(served)), "an alarm")
        (dead,) = [one for one in cameras(served) if one["camera"]["state"] == "waiting"]
        (other,) = [one for one in cameras(served) if one["camera"]["state"] == "running"]
        name, counted = dead["settings"]["name"], other["station"]["num_inspected"]
        assert "ended by something else" in dead["camera"]["last_error"]
        wait_until(lambda: of_name(served, name)["camera"]["num_restarts"] == 1, "a new process")
        wait_until(
            lambda: of_name(served, name)["station"]["num_inspected"] > dead["station"]["num_inspected"],
            "inspections again",
        )
        other = of_name(served, other["settings"]["name"])
        assert other["camera"]["num_restarts"] == 0
        assert other["station"]["num_inspected"] > counted
        assert ask(served, "GET", "/ready") == {"ready": True}


def cameras(served: Served) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ask(served, "GET", "/cameras")["items"]
    return items


def of_name(served: Served, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(served, "GET", f"/cameras/{name}")
    return found


def camera_processes(server: int) -> list[int]:
    children = [path.read_text() for path in Path(f"/proc/{server}/task").glob("*/children")]
    pids = [int(pid) for text in children for pid in text.split()]
    return [pid for pid in pids if b"edge_app.cameras.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_clock_that_jumps_removes_nothing_and_ages_no_frame(bundle: Path, tmp_path: Path) -> None:
    state, clock = tmp_path / "state", tmp_path / "clock"
    write_recording(state)
    clock.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    with serving(bundle, state=state, PYTHONPATH=path, TEST_CLOCK=str(clock)) as served:
        ask(served, "POST", "/cameras", camera_named("a"), "application/json")
        answers: list[dict[str, Any]] = []
        for jump_s in (0, TEN_YEARS_S, -TEN_YEARS_S, 0):
            clock.write_text(str(jump_s))
            answers += [ask(served, "POST", "/inspections", jpeg(), "image/jpeg") for _ in range(3)]
            apply_retention(served)
            before = of_name(served, "a")["station"]["num_inspected"]
            wait_until(lambda: of_name(served, "a")["station"]["num_inspected"] > before + 3, "the camera")  # noqa: B023
        camera = of_name(served, "a")
        frames = ask(served, "GET", "/inspections?source=a&limit=500")["items"]
        assert ids_of(served, "&source=rest") == {answer["id"] for answer in answers}
    years = {answer["created"][:4] for answer in answers}
    assert len(years) == 3  # the clock did jump
    assert (camera["camera"]["num_restarts"], camera["camera"]["last_error"]) == (0, "")
    assert {frame["verdict"] for frame in frames} == {"PASS"}  # none is stale
    assert all(0 <= frame["origin"]["frame_age_ms"] < 3_600_000 for frame in frames)


def apply_retention(served: Served) -> None:
    """Settings that are sent again make the store look at once for what is too old."""
    settings = ask(served, "GET", "/settings")["settings"]
    ask(served, "PUT", "/settings", json.dumps(settings).encode(), "application/json")


def test_a_broker_that_goes_and_comes_under_load_gets_every_result_once(bundle: Path, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    plant = {"kind": "mqtt", "name": "plant", "host": "127.0.0.1", "port": broker.port, **FAST}
    state = tmp_path / "state"
    state.mkdir()
    (state / "settings.json").write_text(json.dumps({"device_id": "nano-7", "destinations": [plant]}))
    with broker, Subscriber(broker.port) as subscriber, serving(bundle, state=state) as served:
        posters = Posters(served.port, jpeg(), num_clients=2, name="broker")
        wait_until(lambda: len(subscriber.received) > 10, "messages")
        broker.stop()
        subscriber.lose()
        posters.wait_for(len(posters.acknowledged) + 30)
        assert ask(served, "GET", "/outbox")["destinations"][0]["waiting"] > 0
        broker.start()
        subscriber.again()
        posters.wait_for(len(posters.acknowledged) + 10)
        posters.close()
        wait_until(lambda: ask(served, "GET", "/outbox")["destinations"][0]["waiting"] == 0, "an empty queue")
        wait_until(lambda: len(set(subscriber.ids)) >= len(posters.acknowledged), "the last message")
    assert set(posters.statuses) == {201}
    messages = {message["id"]: message["result"]["id"] for message in subscriber.received}
    numbers = range(1, len(posters.acknowledged) + 1)
    assert in_order_without_repeats(subscriber.ids) == [f"nano-7:{number}" for number in numbers]
    assert sorted(messages.values()) == sorted(one.id for one in posters.acknowledged)
