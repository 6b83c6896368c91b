"""The command line: verbs found without torch, mistakes in one sentence, exit statuses."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from inspector import __version__, cli
from inspector.errors import BudgetError, DatasetError, StorageError

VERBS = sorted(cli.verb_entry_points())


def offer(monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    """Install a verb `part` that raises `error`, or prints its one argument."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def part(name: str) -> None:
        if error is not None:
            raise error
        print(name)

    monkeypatch.setattr(cli, "_load", lambda _verb: app)


def test_help_lists_every_verb_with_a_line_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from inspector.cli import run; status = run(['--help']);"
        "heavy = {'torch', 'onnxruntime', 'onnx', 'fastapi', 'cv2', 'search', 'export'} & set(sys.modules);"
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in VERBS:
        assert f"  {verb:<10} {cli.VERB_HELP[verb]}" in done.stdout


SUB_VERBS = {"data": "info", "keys": "add", "labels": "check", "sign": "bundle"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([verb, "--help"]) == 0
    text = capsys.readouterr().out
    if "COMMAND" in text:
        assert cli.run([verb, SUB_VERBS[verb], "--help"]) == 0
        text = capsys.readouterr().out
    assert "Example" in text
    assert "--json" in text or verb == "serve"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 0
    assert "Usage: inspector VERB" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"inspector {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("serach", "search"), ("exprot", "export"), ("Evaluate", "evaluate")]
)
def test_a_misspelt_verb_names_the_nearest(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([typed]) == 2
    assert f"there is no verb `{typed}`; the nearest is `{meant}`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["search"], ["search", "a.yaml"], ["search", "a.yaml", "--nonsense"]])
def test_wrong_usage_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    shown = capsys.readouterr()
    assert "Usage" in shown.err
    assert shown.out == ""


def test_a_verb_gets_its_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch)
    assert cli.run(["part", "x"]) == 0
    assert capsys.readouterr().out == "x\n"


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (DatasetError("the folder x is empty"), 2, "error: the folder x is empty\n"),
        (BudgetError("it is 200 MB over 160 MB"), 1, "error: it is 200 MB over 160 MB\n"),
        (StorageError("cannot write y"), 2, "error: cannot write y\n"),
    ],
)
def test_an_error_of_the_user_is_one_sentence_and_its_status(
    error: BaseException,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    offer(monkeypatch, error)
    assert cli.run(["part", "x"]) == status
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize(
    ("number", "path"), [(errno.ENOSPC, "/full/a.pt"), (errno.EACCES, "/root/x"), (errno.EROFS, "/cd/y")]
)
def test_a_file_that_cannot_be_written_is_named_with_the_reason(
    number: int, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, OSError(number, os.strerror(number), path))
    assert cli.run(["part", "x"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert f"{path}: {os.strerror(number)}; free some space" in line


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a fault of ours"),
        OSError(errno.EIO, "Input/output error"),
        ModuleNotFoundError("No module named 'search.gone'", name="search.gone"),
    ],
)
def test_a_fault_of_the_program_is_not_hidden(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, error)
    with pytest.raises(type(error), match=r"fault|Input|search\.gone"):
        cli.run(["part", "x"])


def test_control_c_ends_with_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, KeyboardInterrupt())
    assert cli.run(["part", "x"]) == 130


def test_a_module_that_a_verb_imports_late_names_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name == "torch" or name.startswith("search.autodd")]:
        monkeypatch.delitem(sys.modules, name)

    class NoTorch:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "torch":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [NoTorch(), *sys.meta_path])
    assert cli.run(["search", str(tmp_path / "r.yaml"), "--run", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        "error: `inspector search` needs the Python module 'torch', which is not installed; "
        'run: pip install "visual-inspector[search]"\n'
    )


def test_json_prints_exactly_one_object_on_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_module = pytest.importorskip("search.autodd.run")
    answer = {
        "genes": {"digits": "0" * 18},
        "params": 1_000_000,
        "size_mb": 4.0,
        "macs_g": 1.0,
        # A test part without good images has no image figure: once a failure after the whole run.
        "metrics": {"pixel_aupr": 0.5, "pixel_auroc": 0.9, "pro": None, "image_auroc": None},
        "seconds": {"one_shot": 1.0},
    }
    monkeypatch.setattr(run_module, "run_search", lambda *_, **__: answer)
    recipe = tmp_path / "r.yaml"
    recipe.write_text("preset: quick\ndata: {root: .}")
    assert cli.run(["search", str(recipe), "--run", str(tmp_path / "run"), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {**answer, "report": str(tmp_path / "run/report.html")}
    assert "real images pixel AUPR 0.500, pixel AUROC 0.900\n" in shown.err


def test_a_recipe_with_a_mistake_ends_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("preset: quick\ndata: {root: .}\nlimit: {}")
    assert cli.run(["search", str(recipe), "--run", str(tmp_path / "run")]) == 2
    assert "unknown key `limit`; the nearest known key is `limits`" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
