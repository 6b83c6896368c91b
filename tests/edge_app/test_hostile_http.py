"""10,000 hostile requests against the real server: refused, each of them, and the server is none the worse.

Source: edge_reliability.md section 9, rows "hostile HTTP", "image bomb" and "overload".
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from tests.edge_app.hostile_requests import DRAWS, READS, Attacker, Hostile, hostile, png
from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import write_tiny_bundle

NUM_REQUESTS = 10_000
NUM_CLIENTS = 8
NUM_SLOW = 20
SEED = 20_261_124
MAX_GROWTH_MB = 150
ANSWER_LIMIT_S = 25
CLOSED = "closed"
HUNG = b"HTTP/1.1 000 the server neither answered nor closed\r\n\r\n"

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def exchange(port: int, data: bytes, *, ends: bool = False) -> bytes:
    """Send `data` on one connection, then close our side if that `ends` it; return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_LIMIT_S) as connection:
        answer = b""
        try:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            while True:
                part = connection.recv(65_536)
                if not part:
                    return answer
                answer += part
        except ConnectionError:
            return answer
        except TimeoutError:
            return answer + HUNG


def outcome(answer: bytes) -> str:
    """The statuses on the connection: `401`, `400 400`, `503 retry` with Retry-After, `closed`."""
    if not answer:
        return CLOSED
    heads = [answer[found.start() :].split(b"\r\n\r\n")[0] for found in _STATUS.finditer(answer)]
    return " ".join(
        head[9:12].decode() + (" retry" if b"retry-after:" in head.lower() else "") for head in heads
    )


def is_refusal(result: str) -> bool:
    return result == CLOSED or re.fullmatch(r"((4\d\d( retry)?|503 retry|100)( |$))+", result) is not None


@dataclass
class Attack:
    """What came of it."""

    results: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    accepted: list[Hostile] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    ready_after: int = 0
    inspected_after: int = 0
    grown_mb: float = 0.0
    probe: dict[str, object] = field(default_factory=dict)
    log: str = ""


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class HighWater:
    """The most memory that a process held while this was watching, in MB above where it began."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begin_mb = self._most_mb = resident_mb(pid)
        self._done = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> HighWater:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown_mb(self) -> float:
        return self._most_mb - self._begin_mb

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._most_mb = max(self._most_mb, resident_mb(self._pid))


def log_in(served: Served, secret: str) -> Attacker:
    host = b"127.0.0.1:%d" % served.port
    request = (
        b"POST /api/v1/session HTTP/1.1\r\nHost: %b\r\nAuthorization: Bearer %b\r\nConnection: close\r\n\r\n"
    )
    answer = exchange(served.port, request % (host, secret.encode()))
    found = re.search(rb"inspector_session=([^;\r]+)", answer)
    assert found is not None, answer
    return Attacker(found.group(1), host)


def warm_up(served: Served, who: Attacker) -> None:
    """Send one request of each kind, so that what is imported late has been."""
    for request in hostile(who, len(DRAWS), seed=0):
        exchange(served.port, request.data, ends=request.ends)
    exchange(served.port, who.post(png(48, 32)))


def drip(port: int, start: bytes) -> str:
    """Begin a request and never end it; return how the server ended it."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_LIMIT_S) as connection:
        connection.sendall(start)
        return outcome(connection.recv(4096))


def attack(served: Served, who: Attacker) -> Attack:
    """Run the attack: slow headers are held open while everything else comes."""
    done = Attack()
    requests = hostile(who, NUM_REQUESTS, seed=SEED)
    slow_starts = [who.head(b"GET", READS[0])[: 5 + 3 * number] for number in range(NUM_SLOW)]

    def send(request: Hostile) -> tuple[Hostile, str]:
        return request, outcome(exchange(served.port, request.data, ends=request.ends))

    memory = HighWater(served.process.pid)
    with memory, ThreadPoolExecutor(NUM_SLOW) as slow_pool, ThreadPoolExecutor(NUM_CLIENTS) as pool:
        dripping = [slow_pool.submit(drip, served.port, start) for start in slow_starts]
        for request, result in pool.map(send, requests):
            done.results[request.kind][result] += 1
            if not is_refusal(result):
                done.accepted.append(request)
        done.slow = [future.result() for future in dripping]
    done.grown_mb = memory.grown_mb
    done.ready_after = int(outcome(exchange(served.port, who.head(b"GET", b"/api/v1/health"))))
    done.inspected_after = int(outcome(exchange(served.port, who.post(png(48, 32)))))
    return done


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attack:
    folder = tmp_path_factory.mktemp("hostile")
    bundle = write_tiny_bundle(folder / "tiny.bundle")
    state, report = folder / "state", folder / "probe.json"
    secret = Keys(state).add("attacker", Role.ADMIN)
    prelude = f"from tests.edge_app.loop_probe import install; install({str(report)!r}); "
    log: list[str] = []
    with serving(bundle, "--require-key", state=state, prelude=prelude) as served:
        reading = Thread(target=lambda: log.extend(served.process.stderr or ()))
        reading.start()  # a full pipe would stop the server
        who = log_in(served, secret)
        warm_up(served, who)
        served.process.send_signal(signal.SIGUSR1)
        done = attack(served, who)
        served.process.terminate()
        served.process.wait(timeout=30)
        reading.join()
    done.log = "".join(log)
    done.probe = json.loads(report.read_text())
    return done


def test_every_kind_was_sent(attacked: Attack) -> None:
    assert sum(sum(results.values()) for results in attacked.results.values()) == NUM_REQUESTS
    assert set(attacked.results) == {draw.__name__ for draw in DRAWS}


def test_only_refusals_came_back(attacked: Attack) -> None:
    shown = [(request.kind, request.data[:300]) for request in attacked.accepted[:5]]
    assert not shown, (len(attacked.accepted), shown)


def test_those_that_got_past_the_gate_were_refused_for_what_they_were(attacked: Attack) -> None:
    """A wall that answers 401 to everything would prove little."""
    seen = {kind: set(" ".join(results).split()) for kind, results in attacked.results.items()}
    assert {"415", "422", "400"} <= seen["hostile_images"]
    assert "422" in seen["bad_queries"]
    assert "413" in seen["lengths"]
    assert "431" in seen["huge_headers"]
    assert "404" in seen["path_tricks"]
    assert "415" in seen["wrong_types"]
    assert "401" in seen["no_key"]
    assert "429" in seen["bad_keys"]
    assert {"401", "403"} & seen["websockets"]
    assert "403" in seen["other_sites"]
    assert "422" in seen["bad_records"]
    assert {"415", "422"} & seen["bad_bundles"]


def test_slow_headers_were_given_up(attacked: Attack) -> None:
    assert attacked.slow == ["408"] * NUM_SLOW


def test_the_server_is_ready_and_inspects_as_before(attacked: Attack) -> None:
    assert (attacked.ready_after, attacked.inspected_after) == (200, 201)


def test_memory_stayed_bounded_at_its_highest(attacked: Attack) -> None:
    assert attacked.grown_mb < MAX_GROWTH_MB


def test_the_event_loop_was_never_blocked(attacked: Attack) -> None:
    """By the loop thread's own CPU time: 50 ms between two ticks, and nothing in it that waits."""
    assert int(str(attacked.probe["num_ticks"])) > 100
    assert attacked.probe["blocks_ms"] == []
    assert attacked.probe["waited"] == []


def test_the_log_is_short_and_has_no_traceback_and_no_secret(attacked: Attack) -> None:
    assert len(attacked.log.splitlines()) < 200
    assert "Traceback" not in attacked.log
    assert "inspector_session=" not in attacked.log
    assert "vi_AAAA" not in attacked.log


def test_ten_times_the_load_is_told_to_come_back_and_memory_stays_bounded(tmp_path: Path) -> None:
    photo = png(3000, 2000)
    with serving(write_tiny_bundle(tmp_path / "tiny.bundle"), INSPECTOR_QUEUE_SIZE="4") as served:
        who = Attacker(b"", b"127.0.0.1:%d" % served.port)
        request = who.post(photo)
        assert outcome(exchange(served.port, request)) == "201"
        with HighWater(served.process.pid) as memory, ThreadPoolExecutor(80) as pool:
            results = Counter(pool.map(lambda _: outcome(exchange(served.port, request)), range(800)))
        after = outcome(exchange(served.port, request))
    assert set(results) == {"201", "503 retry"}, results
    assert after == "201"
    assert memory.grown_mb < 2 * MAX_GROWTH_MB  # 8 photos of 18 MB decoded, and what is under way
