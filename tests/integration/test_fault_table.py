"""docs/edge_faults.md names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.edge_app.serving import ROOT

PAGE = ROOT / "docs" / "edge_faults.md"
TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
MODULE = re.compile(r"`python -m (benchmarks\.\w+)`")
FAULT = re.compile(r"^\| (?!fault |---)([^|]+) \|", re.MULTILINE)


def rows() -> list[str]:
    return [line for line in PAGE.read_text().splitlines() if FAULT.match(line)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.split("|")[1].strip()) for row in rows()])
def test_every_fault_has_a_test_or_a_benchmark_that_exists(row: str) -> None:
    tests, modules = TEST_ID.findall(row), MODULE.findall(row)
    assert tests or modules
    for path, name in tests:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path
    for module in modules:
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists()


def test_the_page_has_the_faults_that_were_asked_for() -> None:
    assert len(rows()) >= 30
    assert len(set(TEST_ID.findall(PAGE.read_text()))) >= 40
