"""What the device's code must not use: each line is a vulnerability of a version that Python 3.8 can install.

Source: edge_reliability.md section 2; docs/security/vex.cdx.json names these tests.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[3]
EDGE = sorted((ROOT / "edge_app").rglob("*.py"))
CORE = sorted((ROOT / "inspector").rglob("*.py"))
VEX = json.loads((ROOT / "docs/security/vex.cdx.json").read_text())

BANNED_MODULES = {
    "PIL", "dill", "joblib", "marshal", "multipart", "onnx", "pickle", "python_multipart", "requests",
    "shelve", "tarfile", "urllib3",
}  # fmt: skip
BANNED_NAMES = {"FileResponse", "File", "Form", "HTTPEndpoint", "StaticFiles", "UploadFile", "eval", "exec"}
BANNED_ATTRIBUTES = {("request", "url"), ("request", "form"), ("request", "base_url"), ("yaml", "load")}


def used(path: Path) -> Iterator[str]:
    """What a file imports, calls by name, and reads of a request."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name.split('.')[0]}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"import {(node.module or '').split('.')[0]}"
            yield from (f"name {alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"name {node.func.id}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"attribute {node.value.id}.{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
            yield f"{node.arg}={getattr(node.value, 'value', '?')}"


BANNED = (
    {f"import {name}" for name in BANNED_MODULES}
    | {f"name {name}" for name in BANNED_NAMES}
    | {f"attribute {owner}.{name}" for owner, name in BANNED_ATTRIBUTES}
    | {"allow_pickle=True", "shell=True"}
)


@pytest.mark.parametrize("path", EDGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_server_uses_nothing_that_is_banned(path: Path) -> None:
    assert set(used(path)) & BANNED == set()


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_never_unpickles(path: Path) -> None:
    unpacking = {"import tarfile"}  # of data sets, on a workstation; the server does not import it
    assert set(used(path)) & (BANNED - unpacking) == set()


def test_the_rules_find_what_they_are_for(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(
        "import pickle\nfrom starlette.responses import FileResponse\n"
        "x = request.url\nnp.load(f, allow_pickle=True)"
    )
    expected = {"import pickle", "name FileResponse", "attribute request.url", "allow_pickle=True"}
    assert set(used(path)) & BANNED == expected


def test_opencv_decodes_jpeg_without_cve_2025_53644() -> None:
    assert tuple(int(part) for part in cv2.__version__.split(".")[:2]) >= (4, 12)


def test_the_vex_is_valid_cyclonedx() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-bom is not installed")
    schema = pytest.importorskip("cyclonedx.schema")
    found = validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(VEX))
    assert found is None


@pytest.mark.parametrize("vulnerability", VEX["vulnerabilities"], ids=lambda entry: str(entry["id"]))
def test_every_vulnerability_has_a_state_and_tests_that_exist(vulnerability: dict[str, object]) -> None:
    analysis = vulnerability["analysis"]
    assert isinstance(analysis, dict)
    assert analysis["state"] in ("not_affected", "resolved", "exploitable")
    assert len(analysis["detail"]) > 40
    properties = vulnerability["properties"]
    assert isinstance(properties, list)
    for entry in properties:
        file, _, name = entry["value"].partition("::")
        assert re.search(rf"def {name}\(", (ROOT / file).read_text()), entry
