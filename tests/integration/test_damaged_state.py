"""A damaged state folder: the start ends in one clear sentence, or goes on; nothing is lost in silence."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge_app.outbox.parts import wait_until
from tests.edge_app.serving import environment, serve_command, serving
from tests.integration.test_kills import ask, jpeg
from tests.tiny_bundle import write_tiny_bundle

NUM_RESULTS = 3
CAMERA = b'{"name": "a", "address": "folder:line", "trigger": "http"}'


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server left that was used and stopped."""
    folder = tmp_path_factory.mktemp("damaged")
    bundle, state = write_tiny_bundle(folder / "tiny.bundle"), folder / "state"
    (state / "recordings" / "line").mkdir(parents=True)
    (state / "recordings" / "line" / "0.jpg").write_bytes(jpeg())
    with serving(bundle, state=state) as served:
        for _ in range(NUM_RESULTS):
            ask(served, "POST", "/inspections", jpeg(), "image/jpeg")
        ask(served, "POST", "/cameras", CAMERA, "application/json")
    (state / "settings.json").write_text('{"device_id": "nano-7"}\n')
    (state / "keys.json").write_text('{"version": 1, "keys": []}\n')
    return state


@pytest.fixture
def state(left: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(left, tmp_path / "state"))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def without_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xaa" * 100)


@pytest.mark.parametrize(
    ("name", "damage", "because"),
    [
        ("settings.json", cut_short, "settings.json is not JSON"),
        ("cameras.json", cut_short, "cameras.json cannot be used"),
        ("keys.json", cut_short, "keys.json cannot be read"),
        ("models/pointers.json", cut_short, "pointers.json says which model serves, but it cannot be read"),
        ("models/pointers.json", Path.unlink, "no model is on this device yet"),
        ("results.sqlite", without_header, "results.sqlite: file is .*not a database"),
        ("results.sqlite", Path.unlink, "results.sqlite is missing or empty, but .*files holds photos"),
    ],
)
def test_what_cannot_be_trusted_ends_in_one_sentence_and_is_left_alone(
    state: Path, name: str, damage: Callable[[Path], None], because: str
) -> None:
    damage(state / name)
    before = contents(state)
    done = subprocess.run(
        serve_command("--state", str(state), "--port", "0", "--threads", "1", "--require-key", "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.stderr
    assert re.search(because, sentence), sentence
    assert contents(state) == before


def contents(state: Path) -> dict[str, bytes]:
    """What a person would miss."""
    kept = [*(state / "files").rglob("*"), *state.glob("*.json"), state / "results.sqlite"]
    return {str(path): path.read_bytes() for path in kept if path.is_file()}


def test_what_can_be_done_without_is_and_a_missing_photo_is_said(state: Path) -> None:
    missing = next(iter((state / "files").rglob("*.jpg")))
    missing.unlink()
    (state / "models" / "boots.json").write_bytes(b"")
    with serving(None, state=state) as served:
        address = f"/inspections/{missing.stem}"
        wait_until(lambda: ask(served, "GET", address)["links"]["image"] is None, "the sweep")
        items = ask(served, "GET", "/inspections")["items"]
        assert ask(served, "POST", "/inspections", jpeg(), "image/jpeg")["stored"]
        served.process.terminate()
        _, log = served.process.communicate(timeout=20)
    assert [item["verdict"] for item in items] == ["FAIL"] * NUM_RESULTS
    assert sum(item["links"]["image"] is not None for item in items) == NUM_RESULTS - 1
    assert "1 files lost" in log


def test_after_a_lost_database_one_can_start_anew(state: Path) -> None:
    (state / "results.sqlite").unlink()
    (state / "files").rename(state / "files.old")
    with serving(None, state=state) as served:
        assert ask(served, "POST", "/inspections", jpeg(), "image/jpeg")["stored"]
        assert len(ask(served, "GET", "/inspections")["items"]) == 1
    assert len(list((state / "files.old").rglob("*.jpg"))) == NUM_RESULTS
