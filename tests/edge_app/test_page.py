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


def test_the_page_has_no_inline_script_or_style() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", TEXTS["index.html"])


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_nothing_is_loaded_from_another_site(name: str) -> None:
    text = TEXTS[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|\burl\(|@import|//cdn", text)


def test_every_element_that_a_script_asks_for_is_in_the_page() -> None:
    asked = set(re.findall(r'element\("([\w-]+)"\)', TEXTS["page.js"] + TEXTS["panel.js"]))
    assert len(asked) > 20
    assert asked <= set(re.findall(r'id="([\w-]+)"', TEXTS["index.html"]))
