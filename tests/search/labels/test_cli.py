"""The verbs: what they print, and that help has an example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inspector.patch import ACCEPTED, Patch, PatchHeader, write_patch
from search.labels import check as check_module
from search.labels.cli import labels_app
from search.labels.finding import propose
from search.labels.material import open_material


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(labels_app, list(arguments))
    return result.exit_code, result.stdout


@pytest.mark.parametrize("verb", ["check", "apply", "undo"])
def test_help_has_an_example(verb: str) -> None:
    status, text = run(verb, "--help")
    assert status == 0
    assert f"Example: inspector labels {verb}" in text


def test_check_hands_its_options_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def note(root: Path, out: Path, **others: Any) -> dict[str, Any]:
        seen.update(others, root=root, out=out)
        return {"findings": {"label": 3}, "page": "p", "patch": "q"}

    monkeypatch.setattr(check_module, "run_check", note)
    options = (
        "--folds",
        "3",
        "--seeds",
        "1",
        "--margin",
        "0.4",
        "--most",
        "9",
        "--ray-address",
        "h:1",
        "--json",
    )
    status, text = run("check", "photos", "--out", str(tmp_path / "c"), *options)
    assert (status, json.loads(text)["findings"]) == (0, {"label": 3})
    chosen = seen["options"]
    assert (chosen.classes.num_folds, chosen.classes.num_seeds, chosen.classes.min_margin) == (3, 1, 0.4)
    assert (chosen.most, seen["workers"].ray_address) == (9, "h:1")


def test_apply_and_undo_say_what_they_did(classes: Path, tmp_path: Path) -> None:
    proposal = propose("label", "across/across_03.png", given="across", proposed="along", score=0.9)
    accepted = proposal.model_copy(update={"decision": ACCEPTED})
    header = PatchHeader(fingerprint=open_material(classes).fingerprint(), data=str(classes))
    patch = write_patch(tmp_path / "p.jsonl", Patch(header, (accepted,)))
    new = str(tmp_path / "new")
    status, text = run("apply", str(patch), "--out", new, "--dry-run")
    assert status == 0
    assert "36 files would be written" in text
    status, text = run("apply", str(patch), "--out", new, "--json")
    assert (status, json.loads(text)["changes"][0]["to"]) == (0, "along/across_03.png")
    status, text = run("undo", new, "--json")
    assert (status, json.loads(text)) == (0, {"removed": 36, "kept": []})
