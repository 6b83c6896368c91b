"""The labels patch: written and read back, errors with line numbers, decisions, the data it was made for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.dataset import open_dataset
from inspector.errors import StorageError
from inspector.patch import (
    Patch,
    PatchError,
    PatchHeader,
    Proposal,
    fingerprint_of,
    parse_patch,
    read_patch,
    update_decision,
    write_patch,
)

HEADER = PatchHeader(fingerprint="ab" * 32, made_by="labels check", created="2026-11-24T08:00:00Z")
WHEN = "2026-11-24T09:30:00Z"


def proposal(number: int = 1, **changes: Any) -> Proposal:
    fields: dict[str, Any] = {
        "id": f"p{number}",
        "file": f"train/good/{number:03d}.png",
        "given": "good",
        "proposed": "scratch",
        "score": 0.97,
        "margin": 0.5,
        "kind": "label",
    }
    return Proposal(**{**fields, **changes})


def patch_of(*proposals: Proposal) -> Patch:
    return Patch(HEADER, proposals or (proposal(1), proposal(2)))


def test_written_and_read_back_it_is_the_same(tmp_path: Path) -> None:
    odd = proposal(3, given="Kratzer \u2028 tief", file="gut/ä ö.png", score=None, margin=None)
    patch = patch_of(proposal(1), odd)
    path = write_patch(tmp_path / "a.jsonl", patch)
    assert read_patch(path) == patch
    lines = path.read_text("utf-8").split("\n")
    assert json.loads(lines[0])["fingerprint"] == "ab" * 32
    assert list(json.loads(lines[1])) == [
        "id", "file", "given", "proposed", "score", "margin", "kind", "decision", "other", "by", "when",
    ]  # fmt: skip
    assert lines[3:] == [""]


@pytest.mark.parametrize(
    ("decision", "other", "label"),
    [("open", "", "good"), ("accepted", "", "scratch"), ("rejected", "", "good"), ("other", "dent", "dent")],
)
def test_a_decision_says_which_label_holds(tmp_path: Path, decision: str, other: str, label: str) -> None:
    path = write_patch(tmp_path / "a.jsonl", patch_of())
    update_decision(path, "p2", decision, by="mia", when=WHEN, other=other)
    first, second = read_patch(path).proposals
    assert first == proposal(1)
    assert (second.label, second.decision, second.by, second.when) == (label, decision, "mia", WHEN)
    assert second.proposed == "scratch"  # what was proposed is not forgotten


def test_a_decision_can_be_taken_back(tmp_path: Path) -> None:
    patch = patch_of().decided("p1", "other", by="mia", when=WHEN, other="dent")
    assert patch.decided("p1", "open", by="", when="") == patch_of()


@pytest.mark.parametrize(
    ("proposal_id", "decision", "other", "reason"),
    [
        ("p9", "accepted", "", "no proposal 'p9'"),
        ("p1", "maybe", "", "proposal p1: decision"),
        ("p1", "other", "", "one each"),
        ("p1", "accepted", "dent", "one each"),
    ],
)
def test_an_impossible_decision_changes_nothing(
    tmp_path: Path, proposal_id: str, decision: str, other: str, reason: str
) -> None:
    path = write_patch(tmp_path / "a.jsonl", patch_of())
    before = path.read_bytes()
    with pytest.raises(PatchError, match=reason):
        update_decision(path, proposal_id, decision, by="mia", when=WHEN, other=other)
    assert path.read_bytes() == before


GOOD_LINES = [line.encode() for line in patch_of().lines()]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "is empty"),
        ([b"\xff\xfe\n"], "line 1: this is not JSON"),
        ([b'{"fingerprint": "short"}\n'], "line 1: fingerprint"),
        ([b"[1]\n"], "line 1: "),
        ([GOOD_LINES[1]], "line 1: fingerprint"),  # the header is missing
        ([GOOD_LINES[0], b"{}\n"], "line 2: id"),
        ([GOOD_LINES[0], GOOD_LINES[1], b"{\n"], "line 3: this is not JSON"),
        ([GOOD_LINES[0], GOOD_LINES[1], GOOD_LINES[1]], "line 3: the id 'p1' was on line 2 already"),
        ([GOOD_LINES[0], b"\n", GOOD_LINES[1]], "line 2: this is not JSON"),
        ([GOOD_LINES[0], GOOD_LINES[1][:-9]], "line 2: this is not JSON"),  # cut off
        ([GOOD_LINES[0].replace(b'"patch_version": 1', b'"patch_version": 2')], "version 2"),
        ([GOOD_LINES[0], GOOD_LINES[1].replace(b"train/good", b"../../etc")], "line 2: file"),
        ([GOOD_LINES[0], GOOD_LINES[1].replace(b"train/good", b"/etc")], "line 2: file"),
        ([GOOD_LINES[0], GOOD_LINES[1].replace(b'"kind"', b'"kindd"')], "line 2: kind"),
    ],
)
def test_a_damaged_patch_is_refused_with_the_line(tmp_path: Path, lines: list[bytes], reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines))
    with pytest.raises(PatchError, match=reason) as caught:
        read_patch(path)
    assert str(path) in str(caught.value)


def test_a_patch_without_proposals_or_a_last_line_end_is_fine() -> None:
    assert parse_patch(GOOD_LINES[0], where="x").proposals == ()
    assert len(parse_patch(b"".join(GOOD_LINES).rstrip(b"\n"), where="x").proposals) == 2


def test_a_patch_knows_the_data_it_was_made_for() -> None:
    patch_of().check_made_for("ab" * 32)
    with pytest.raises(PatchError, match="made for other data"):
        patch_of().check_made_for("cd" * 32)


def test_a_missing_file_and_a_folder_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="cannot read the patch"):
        read_patch(tmp_path / "missing.jsonl")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write"):
        write_patch(tmp_path / "file" / "a.jsonl", patch_of())


def test_the_fingerprint_is_that_of_the_data_set_in_any_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 255, (40, 50, 3), dtype=np.uint8))
    files = [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]
    expected = open_dataset(tmp_path).fingerprint()
    assert fingerprint_of(files) == fingerprint_of(reversed(files)) == expected
    assert fingerprint_of(files[:2]) != expected


def test_a_patch_remembers_where_its_data_lay_and_one_that_does_not_has_no_key(tmp_path: Path) -> None:
    remembers = Patch(PatchHeader(fingerprint="ab" * 32, data="/photos/steel"), ())
    assert read_patch(write_patch(tmp_path / "one.jsonl", remembers)) == remembers
    forgets = write_patch(tmp_path / "other.jsonl", Patch(PatchHeader(fingerprint="ab" * 32), ()))
    assert b"data" not in forgets.read_bytes()
