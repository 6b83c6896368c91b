"""A run folder that was refused leaves nothing behind; one that has learnt something stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from inspector.errors import InputError, RunError, SearchSpaceError
from search.events import EventLog
from search.run_folder import RunFolder
from tests.search.conftest import tiny_recipe


def begin(folder: RunFolder, *, with_checkpoint: bool) -> None:
    """Write what a run writes before it meets the bad input."""
    with EventLog(folder.events) as log:
        log.write("stage", stage="one_shot", state="started")
    folder.checkpoint("one_shot").parent.mkdir()
    if with_checkpoint:
        folder.checkpoint("one_shot").write_bytes(b"weights")
    raise SearchSpaceError("too tight")


def refuse(folder: RunFolder, root: Path, *, with_checkpoint: bool = False) -> None:
    with pytest.raises(SearchSpaceError, match="too tight"), folder.claimed(tiny_recipe(root)):
        begin(folder, with_checkpoint=with_checkpoint)


def test_a_refused_recipe_can_be_mended_and_run_again_in_the_same_folder(tmp_path: Path) -> None:
    # The folder of a refused run kept its recipe, so that the mended one was refused as another recipe.
    folder = RunFolder(tmp_path / "run")
    refuse(folder, tmp_path)
    assert not folder.path.exists()
    with folder.claimed(tiny_recipe(tmp_path, {"limits": {"max_params_m": 1.0}})):
        assert folder.recipe.exists()


def test_what_was_learnt_before_an_error_stays(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    refuse(folder, tmp_path, with_checkpoint=True)
    assert folder.recipe.exists()
    assert folder.events.exists()
    assert folder.checkpoint("one_shot").exists()


def test_files_of_the_user_stay(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    (folder.path / "notes.txt").write_text("mine")
    refuse(folder, tmp_path)
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_a_refusal_in_an_older_run_removes_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.claimed(tiny_recipe(tmp_path)):
        pass
    with pytest.raises(InputError, match="later"), folder.claimed(tiny_recipe(tmp_path)):
        raise InputError("later")
    assert folder.recipe.exists()


def test_a_run_that_was_begun_before_a_key_existed_goes_on(tmp_path: Path) -> None:
    """A new key with a default made every older run folder one of another recipe."""
    folder, recipe = RunFolder(tmp_path / "run"), tiny_recipe(tmp_path)
    with folder.claimed(recipe):
        pass
    older = yaml.safe_load(folder.recipe.read_text())
    del older["network"]["initialisation"], older["export"]
    text = yaml.safe_dump(older)
    folder.recipe.write_text(text)
    with folder.claimed(recipe):
        assert folder.recipe.read_text() == text  # it is the old run, not a fresh one in its place


def test_a_key_that_is_no_more_is_named(tmp_path: Path) -> None:
    folder, recipe = RunFolder(tmp_path / "run"), tiny_recipe(tmp_path)
    with folder.claimed(recipe):
        pass
    older = yaml.safe_load(folder.recipe.read_text())
    older["network"]["was_a_key"] = 1
    folder.recipe.write_text(yaml.safe_dump(older))
    with pytest.raises(RunError, match=r"network\.was_a_key was 1, now None"), folder.claimed(recipe):
        pass
