"""The client against a real server on a port: every method once, and errors in the server's own words."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from edge_app.client import AnswerError, Client, EdgeClientError, UnreachableError
from tests.edge_app.model_bundles import bundle_of
from tests.edge_app.routes.device import BAD, GOOD
from tests.edge_app.serving import ROOT, Served, serving
from tests.tiny_bundle import part, write_tiny_bundle


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    bundle = write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.bundle")
    with serving(bundle) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served.url)


def test_a_photo_is_inspected_as_file_bytes_or_frame(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(BAD)
    frame = part(2, defect=True, scale=4)[0]
    found = [client.inspect(photo, lot="L1") for photo in (path, str(path), BAD, frame)]
    assert {one.verdict for one in found} == {"FAIL"}
    assert len({one.image_score for one in found}) == 1
    assert (found[0].lot, found[0].source, found[0].stored) == ("L1", "rest", True)
    assert client.result(found[0].id) == found[0]
    assert client.inspect(BAD, fail=1, review=1, min_area_px=2).verdict == "PASS"
    assert client.picture(found[0].id) == BAD
    assert client.score(found[0].id).max() == pytest.approx(found[0].image_score, abs=1e-6)


def test_results_come_over_all_pages_newest_first(client: Client) -> None:
    ids = [client.inspect(GOOD, lot="pages").id for _ in range(5)]
    assert [one.id for one in client.results(lot="pages", page=2)] == ids[::-1]
    assert list(client.results(lot="pages", verdict=["FAIL", "REVIEW"])) == []
    now = datetime.now(timezone.utc)
    assert list(client.results(lot="pages", from_=now)) == []
    assert len(list(client.results(lot="pages", to=now))) == 5


def test_results_are_followed_as_they_come(client: Client) -> None:
    client.inspect(GOOD, lot="follow")
    coming = client.follow(poll_s=0.01, lot="follow")
    sent = [client.inspect(BAD, lot="follow").id for _ in range(3)]
    assert [next(coming).id for _ in range(3)] == sent
    sent = [client.inspect(GOOD, lot="follow").id for _ in range(2)]
    assert [next(coming).id for _ in range(2)] == sent


def test_a_decision_is_read_back(client: Client) -> None:
    found = client.inspect(BAD, lot="decided")
    said = client.decide(found.id, "good", note="dust")
    assert (said.decision, said.by, said.note) == ("good", "local", "dust")
    assert client.result(found.id).decision == said
    assert [one.id for one in client.results(lot="decided", decision="good")] == [found.id]


def test_an_export_is_written_as_it_comes(client: Client) -> None:
    for _ in range(3):
        client.inspect(GOOD, lot="export")
    csv, ndjson = io.BytesIO(), io.BytesIO()
    assert client.export(csv, lot="export") == len(csv.getvalue())
    client.export(ndjson, kind="ndjson", lot="export")
    assert len(csv.getvalue().splitlines()) == 4
    assert len(ndjson.getvalue().splitlines()) == 3


def test_the_device_is_read_and_changed(client: Client, tmp_path: Path) -> None:
    client.inspect(BAD)
    assert client.health()["ready"]
    assert client.statistics(bucket="day")["buckets"]
    changed = client.set_thresholds(fail=0.6, review=0.5, min_area_px=2)
    assert client.thresholds() == changed
    assert client.cameras() == {"items": []}
    first = client.models()["serving"]
    digest = client.upload_model(bundle_of(tmp_path, "2"))["digest"]
    client.set_shadow_model(digest)
    assert client.models()["shadow"] == digest
    client.set_shadow_model(None)
    assert client.activate_model(digest)["state"] == "serving"
    assert client.roll_back_model()["digest"] == first


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda client: client.result("nobody"), "inspection 'nobody' is not known"),
        (lambda client: client.inspect(BAD, fail=2), "query.fail = '2' is not valid"),
        (lambda client: client.trigger("top"), "there is no camera 'top'; there are: none"),
        (lambda client: list(client.results(from_="2026")), "from = '2026' is not an ISO 8601 time"),
        (lambda client: client.activate_model("0" * 64), "there is no model 000000000000 on this device"),
        (lambda client: client.export(io.BytesIO(), lott="x"), "did you mean 'lot'?"),
    ],
)
def test_a_refusal_has_the_servers_own_sentence(client: Client, call: object, sentence: str) -> None:
    assert callable(call)
    with pytest.raises(AnswerError, match=sentence.replace("?", r"\?")) as caught:
        call(client)
    assert 400 <= caught.value.status < 500


def test_what_cannot_be_sent_is_said_before_it_is_sent(client: Client, tmp_path: Path) -> None:
    with pytest.raises(EdgeClientError, match="these 5 bytes are no JPEG, PNG or BMP photo"):
        client.inspect(b"hello")
    with pytest.raises(EdgeClientError, match=r"cannot read .*missing\.png: No such file"):
        client.inspect(tmp_path / "missing.png")
    with pytest.raises(EdgeClientError, match="make it aware"):
        list(client.results(from_=datetime(2026, 11, 24)))
    with pytest.raises(EdgeClientError, match=r"picture 'photo.jpg' is not known; use one of image"):
        client.picture("x", "photo.jpg")
    with pytest.raises(EdgeClientError, match="is not the address of a server"):
        Client("ftp://127.0.0.1")


def test_nobody_there_is_an_error_of_its_own() -> None:
    with pytest.raises(UnreachableError, match=r"no answer from 127\.0\.0\.1:9: .*; is the server running"):
        Client("http://127.0.0.1:9").health()


def test_the_example_runs(served: Served, tmp_path: Path) -> None:
    for name, photo in (("bad.png", BAD), ("good.png", GOOD)):
        (tmp_path / name).write_bytes(photo)
    ran = subprocess.run(
        [sys.executable, "examples/edge_client.py", served.url, *map(str, tmp_path.glob("*.png"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "bad.png: FAIL" in ran.stdout
    assert "good.png: PASS" in ran.stdout
    assert len(ran.stdout.splitlines()) == 3
    assert np.isfinite(float(ran.stdout.split("score ")[1].split(",")[0]))
