"""The files of the page are served as what they are; none needs another site or an inline script."""

from __future__ import annotations

import re

import pytest

from edge_app.routes.page import FILES, PAGES
from tests.edge_app.app import client_of

TEXTS = {name: (PAGES / name).read_text() for name, _ in FILES.values()}


@pytest.mark.parametrize(("address", "name", "content_type"), [(a, n, t) for a, (n, t) in FILES.items()])
def test_files_are_served_with_their_type(address: str, name: str, content_type: str) -> None:
    answer = client_of().get(address)
    assert answer.headers["content-type"] == content_type
    assert answer.text == TEXTS[name]


def test_every_file_of_the_folder_is_served() -> None:
    on_disk = {path.name for path in PAGES.iterdir() if path.suffix not in (".py", "")}
    assert on_disk == set(TEXTS)


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.endswith(".html")))
def test_a_page_has_no_inline_script_or_style(name: str) -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", TEXTS[name])


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_nothing_is_loaded_from_another_site(name: str) -> None:
    text = TEXTS[name]
    for harmless in ("http://www.w3.org/2000/svg", "http://host/mjpeg"):  # a name, and a hint to read
        text = text.replace(harmless, "")
    assert not re.search(r"https?://|\burl\(|@import|//cdn", text)


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.endswith(".html")))
def test_every_element_that_a_page_is_asked_for_is_in_it_or_made(name: str) -> None:
    """By name: what scripts look up stands in this page, or in what they make."""
    scripts = reached_from(re.findall(r'src="/([\w.]+)"', TEXTS[name]))
    asked = {found for script in scripts for found in re.findall(r'element\("([\w-]+)"\)', TEXTS[script])}
    made = {found for script in scripts for found in re.findall(r'\bid: "([\w-]+)"', TEXTS[script])}
    assert asked - made <= set(re.findall(r'id="([\w-]+)"', TEXTS[name]))


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.endswith(".js")))
def test_every_import_is_a_file_and_is_used(name: str) -> None:
    text = TEXTS[name]
    for names, source in re.findall(r'import \{([^}]*)\}\s*from "\./([\w.]+)"', text):
        assert source in TEXTS
        for imported in (each.strip().split(" as ") for each in names.split(",") if each.strip()):
            assert re.search(rf"export [\w ]*\b{re.escape(imported[0])}\b", TEXTS[source]), imported
            assert len(re.findall(rf"\b{re.escape(imported[-1])}\b", text)) > 1, imported


def reached_from(names: list[str]) -> set[str]:
    """Return scripts and everything that they import."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r'from "\./([\w.]+)"', TEXTS[name])
    return found


def test_a_key_cannot_be_sent_before_the_script_takes_it() -> None:
    """A form that the browser submitted by itself would put the key into the address."""
    assert re.search(r'<button[^>]*id="enter"[^>]*\bdisabled\b', TEXTS["login.html"])
    assert 'element("enter").disabled = false; // until here' in TEXTS["login.js"]
