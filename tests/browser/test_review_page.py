"""The review page in Chromium, opened as a file: decide by mouse and keys, save, reload, load; on a phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.patch import ACCEPTED, OPEN, OTHER, REJECTED, Patch, read_patch

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Page, ViewportSize, expect  # noqa: E402

from tests.browser.chromium import DESKTOP, PHONE  # noqa: E402
from tests.browser.conftest import OpenPage  # noqa: E402
from tests.browser.review_page import write_review_page  # noqa: E402

pytestmark = pytest.mark.browser


@pytest.fixture
def written(tmp_path: Path) -> tuple[str, Patch]:
    path, patch = write_review_page(tmp_path)
    return path.as_uri(), patch


def saved(page: Page, tmp_path: Path) -> Patch:
    """Press save and read what the browser downloads."""
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "patch-reviewed.jsonl"
    download.value.save_as(tmp_path / "patch-reviewed.jsonl")
    return read_patch(tmp_path / "patch-reviewed.jsonl")


def test_decisions_are_saved_as_a_patch(
    open_page: OpenPage, written: tuple[str, Patch], tmp_path: Path
) -> None:
    url, made = written
    page = open_page(url)
    page.locator("#by").fill("Eva")
    page.locator("#item-0").get_by_role("button", name="Accept").click()
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.locator("#item-2 .choose input").fill("dent")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("3")
    patch = saved(page, tmp_path)
    assert patch.header == made.header
    assert [one.decision for one in patch.proposals] == [ACCEPTED, REJECTED, OTHER, OPEN, OPEN, OPEN]
    assert patch.proposals[2].label == "dent"
    assert {one.by for one in patch.proposals[:3]} == {"Eva"}
    given = [
        one.model_copy(update={"decision": OPEN, "other": "", "by": "", "when": ""})
        for one in patch.proposals
    ]
    assert given == list(made.proposals)
    expect(page.locator("#done")).to_contain_text("inspector labels apply patch-reviewed.jsonl")


def test_a_decision_is_taken_back_and_survives_a_reload(
    open_page: OpenPage, written: tuple[str, Patch], tmp_path: Path
) -> None:
    page = open_page(written[0])
    page.locator("#item-1").click(position={"x": 5, "y": 5})
    page.keyboard.press("a")
    page.keyboard.press("u")
    page.keyboard.press("n")
    page.keyboard.press("a")
    expect(page.locator("#item-2 .verdict")).to_have_text("accepted")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#count")).to_have_text("1")
    assert [one.decision for one in saved(page, tmp_path).proposals].index(ACCEPTED) == 2


def test_a_saved_patch_is_loaded_and_one_of_other_data_is_not(
    open_page: OpenPage, written: tuple[str, Patch], tmp_path: Path
) -> None:
    url, made = written
    decided = made.decided(made.proposals[4].id, REJECTED, by="Jo", when="2026-11-24T09:00:00Z")
    (tmp_path / "mine.jsonl").write_text("".join(decided.lines()))
    lines = [json.loads(line) for line in decided.lines()]
    lines[0]["fingerprint"] = "cd" * 32
    (tmp_path / "other.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = open_page(url)
    page.set_input_files("#file", str(tmp_path / "other.jsonl"))
    expect(page.locator("#saved")).to_contain_text("made for other data")
    expect(page.locator("#count")).to_have_text("0")
    page.set_input_files("#file", str(tmp_path / "mine.jsonl"))
    expect(page.locator("#item-4 .verdict")).to_have_text("rejected: the given label stays, by Jo")


def test_filters_show_one_kind_and_what_is_undecided(open_page: OpenPage, written: tuple[str, Patch]) -> None:
    page = open_page(written[0])
    page.get_by_role("button", name="wrong class").click()
    expect(page.locator(".item:visible")).to_have_count(3)
    page.keyboard.press("a")
    page.locator("#undecided").click()
    expect(page.locator(".item:visible")).to_have_count(2)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_sticks_out_and_buttons_fit_a_thumb(
    open_page: OpenPage, written: tuple[str, Patch], viewport: ViewportSize
) -> None:
    page = open_page(written[0], viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    heights = page.locator(".decide button").evaluate_all("(all) => all.map((one) => one.offsetHeight)")
    assert min(heights) >= 44
    expect(page.locator("#item-5 .file")).to_have_text('train/good/<b>&"dark".png')
