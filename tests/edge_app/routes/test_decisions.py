"""A person's word is kept with who said it and when, and replaces the one before."""

from __future__ import annotations

import json

import pytest

from edge_app.store import Store
from inspector.patch import parse_patch
from tests.edge_app.routes.device import BAD, GOOD, Device, sentence_of


def test_the_last_decision_counts_and_all_are_kept(shared: Device) -> None:
    result_id = shared.inspect()["id"]
    assert shared.get(f"inspections/{result_id}").json()["decision"] is None
    for word, note in (("good", "dust"), ("defect", "")):
        body = {"decision": word, "note": note}
        answer = shared.send("PUT", f"inspections/{result_id}/decision", json=body)
        assert answer.status_code == 200
        said = answer.json()
        assert (said["decision"], said["by"], said["note"]) == (word, "local", note)
        assert shared.get(f"inspections/{result_id}").json()["decision"] == said
    store: Store = shared.parts.store
    assert [one.decision for one in store.decision_history(result_id)] == ["good", "defect"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {"decision": "bad"},
            "body.decision = 'bad' is not valid: Input should be 'good', 'defect'",
        ),
        ({}, "body.decision is missing"),
        ({"decision": "good", "nots": ""}, "key 'nots' is not known; did you mean 'note'?"),
        ({"decision": "good", "note": "x" * 1001}, "body.note = 'x"),
        ({"decision": "good", "note": None}, "body.note = 'None' is not valid"),
        ([], "body = '[]' is not valid"),
    ],
)
def test_a_body_that_is_not_a_decision_gets_one_sentence(shared: Device, body: object, sentence: str) -> None:
    answer = shared.send("PUT", f"inspections/{shared.inspect()['id']}/decision", json=body)
    assert sentence in sentence_of(answer, 422)


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"{", 422, "the body is not JSON"),
        (b"", 422, "body is missing"),
        (b'{"decision": "good", "note": "\xff"}', 400, "the body is not JSON"),
        (b"[" * 50_000, 400, "the body is not JSON"),
        (b" " * 300_000, 413, "the body has 0."),
    ],
)
def test_a_body_that_is_no_json_is_refused(
    shared: Device, content: bytes, status: int, sentence: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = shared.send("PUT", "inspections/abc/decision", content=content, headers=headers)
    assert sentence in sentence_of(answer, status)


def test_no_decision_on_a_result_that_is_not_there(shared: Device) -> None:
    answer = shared.send("PUT", "inspections/nobody/decision", json={"decision": "good"})
    assert "inspection 'nobody' is not known" in sentence_of(answer, 404)


def test_decisions_leave_as_a_labels_patch(fresh: Device) -> None:
    bad, good, _ = (fresh.inspect(photo)["id"] for photo in (BAD, GOOD, GOOD))
    for result_id, word in ((bad, "good"), (good, "unsure")):
        fresh.send("PUT", f"inspections/{result_id}/decision", json={"decision": word})
    answer = fresh.get("labels.jsonl")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert 'filename="labels.jsonl"' in answer.headers["content-disposition"]
    patch = parse_patch(answer.content, where="the answer")
    assert {(one.id, one.given, one.proposed) for one in patch.proposals} == {
        (bad, "defect", "good"),
        (good, "good", "unsure"),
    }
    only_good = fresh.get("labels.jsonl", params={"decision": "good"}).text.splitlines()
    assert [json.loads(line)["id"] for line in only_good[1:]] == [bad]
