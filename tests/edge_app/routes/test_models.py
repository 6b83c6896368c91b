"""A model is uploaded, activated, rolled back and watched as a shadow over REST; a bad one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.services.result import Outcome
from tests.edge_app.model_bundles import BAD_BUNDLES, data_of
from tests.edge_app.routes.device import BAD, GOOD, Device, device, sentence_of
from tests.edge_app.store.made import made

UNKNOWN = "0" * 64
ZIP = {"content-type": "application/zip"}


def upload(device: Device, tmp_path: Path, version: str) -> str:
    answer = device.send("POST", "models", content=data_of(tmp_path, version), headers=ZIP)
    assert answer.status_code == 201, answer.text
    digest = str(answer.json()["digest"])
    assert answer.headers["location"] == f"/api/v1/models/{digest}"
    assert device.get(f"models/{digest}").json() == answer.json()
    return digest


def test_a_model_is_uploaded_activated_and_rolled_back(fresh: Device, tmp_path: Path) -> None:
    first = fresh.digest
    digest = upload(fresh, tmp_path, "2")
    listed = fresh.get("models").json()
    assert (listed["state"], listed["serving"], listed["previous"]) == ("serving", first, None)
    assert {item["digest"]: item["state"] for item in listed["items"]} == {
        first: "serving",
        digest: "available",
    }
    activated = fresh.send("POST", f"models/{digest}/activate")
    assert (activated.status_code, activated.json()["state"]) == (200, "serving")
    assert fresh.get("model").json()["version"] == "2"
    assert fresh.inspect(BAD)["model"]["digest"] == digest
    assert fresh.send("POST", "models/rollback").json()["digest"] == first
    assert fresh.inspect(GOOD)["model"]["version"] == "1"
    assert not list((fresh.folder / "state" / "models").glob(".upload*"))


def test_a_shadow_looks_on_until_it_is_told_to_end(fresh: Device, tmp_path: Path) -> None:
    digest = upload(fresh, tmp_path, "2")
    answer = fresh.send("PUT", "models/shadow", json={"digest": digest})
    assert (answer.status_code, answer.json()["state"]) == (200, "shadow")
    assert fresh.get("models").json()["shadow"] == digest
    ended = fresh.send("DELETE", "models/shadow")
    assert (ended.status_code, ended.content) == (204, b"")
    assert fresh.get("models").json()["shadow"] is None


def test_disagreements_are_the_results_where_the_shadow_differs(fresh: Device) -> None:
    same, other = made(shadow=Outcome.PASS), made(shadow=Outcome.FAIL, lot="L2")
    fresh.add(same, other, made())
    (found,) = fresh.get("models/disagreements").json()["items"]
    assert (found["id"], found["shadow"]["verdict"]) == (other.id, "FAIL")
    assert fresh.get("models/disagreements?lot=L1").json()["items"] == []


@pytest.mark.parametrize("bad", BAD_BUNDLES)
def test_a_bad_bundle_is_refused_and_the_old_model_serves(shared: Device, tmp_path: Path, bad: str) -> None:
    spoil, _ = BAD_BUNDLES[bad]
    content = spoil(data_of(tmp_path, "2"))
    sentence = sentence_of(shared.send("POST", "models", content=content, headers=ZIP), 422)
    assert str(shared.folder) not in sentence
    assert shared.get("models").json()["serving"] == shared.digest


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "sentence"),
    [
        ("POST", "models", {"content": b"", "headers": ZIP}, 400, "the body is empty; send a bundle"),
        (
            "POST",
            "models",
            {"content": b"PK", "headers": {"content-type": "text/plain"}},
            415,
            "'text/plain'",
        ),
        ("GET", f"models/{UNKNOWN}", {}, 404, "there is no model 000000000000 on this device"),
        ("POST", f"models/{UNKNOWN}/activate", {}, 404, "there is no model 000000000000 on this device"),
        ("PUT", "models/shadow", {"json": {"digest": UNKNOWN}}, 404, "there is no model 000000000000"),
        ("PUT", "models/shadow", {"json": {"digest": "x"}}, 422, "body.digest = 'x' is not valid"),
        ("POST", "models/rollback", {}, 422, "there is no earlier model to go back to"),
        ("GET", "models/..%2f..%2fetc", {}, 404, "nothing at this address"),
        ("GET", "models/abc", {}, 422, "path.digest = 'abc' is not valid"),
        (
            "POST",
            "models/rollback?digest=x",
            {},
            422,
            "query option 'digest' is not known; there are none here",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    shared: Device, method: str, path: str, options: dict[str, object], status: int, sentence: str
) -> None:
    assert sentence in sentence_of(shared.send(method, path, **options), status)


def test_the_serving_model_is_no_shadow_of_itself(shared: Device) -> None:
    answer = shared.send("PUT", "models/shadow", json={"digest": shared.digest})
    assert "serves; a shadow must be another one" in sentence_of(answer, 422)


def test_a_bundle_over_the_limit_is_cut_off(tmp_path: Path) -> None:
    with device(tmp_path, max_bundle_mb=0.001) as opened:
        answer = opened.send("POST", "models", content=data_of(tmp_path, "2"), headers=ZIP)
        assert "the limit is 0.001 MB; send a smaller bundle" in sentence_of(answer, 413)
