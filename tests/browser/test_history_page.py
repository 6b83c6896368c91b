"""The history in Chromium: filters, pages, and decisions by keyboard."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.line import Line, png

pytestmark = pytest.mark.browser
NUM_PAGED = 53


@pytest.fixture(scope="module")
def filled(line: Line) -> Line:
    """Five results of one lot, three of them bad, and more than a page of another."""
    line.ask("DELETE", "cameras/ring")
    for number in range(NUM_PAGED):
        line.inspect(png(number, defect=False, scale=1), lot="PAGED", source="side")
    for number in range(5):
        line.inspect(png(number, defect=number < 3), lot="SMALL", source="top")
    return line


@pytest.fixture
def page(open_page: OpenPage, filled: Line) -> Page:
    opened = open_page(f"{filled.url}/history?lot=SMALL")
    expect(opened.locator("#rows li")).to_have_count(5)
    return opened


def decided(line: Line, decision: str) -> list[dict[str, str]]:
    items = line.get(f"inspections?lot=SMALL&decision={decision}")["items"]
    return [item["decision"] for item in items]


def test_filters_choose_results_and_stand_in_the_address(page: Page, filled: Line) -> None:
    page.locator("[name=verdict][value=FAIL]").check()
    expect(page.locator("#rows li")).to_have_count(3)
    assert "lot=SMALL" in page.url
    assert "verdict=FAIL" in page.url
    page.reload()
    expect(page.locator("#rows li")).to_have_count(3)
    href = page.locator("#export-csv").get_attribute("href")
    assert len(httpx.get(f"{filled.url}{href}").text.splitlines()) == 4
    page.locator("#clear").click()
    expect(page.locator("#rows li")).to_have_count(50)
    page.locator("#more summary").click()
    page.locator("#min_score").fill("0.9")
    expect(page.locator("#rows li")).to_have_count(3)
    page.locator("#lot").fill("nothing")
    expect(page.locator("#rows-empty")).to_be_visible()


def test_older_results_come_in_pages(page: Page) -> None:
    page.locator("#lot").fill("PAGED")
    expect(page.locator("#rows li")).to_have_count(50)
    page.locator("#older").click()
    expect(page.locator("#rows li")).to_have_count(NUM_PAGED)
    expect(page.locator("#older")).to_be_hidden()


def test_the_chart_counts_what_is_there(page: Page) -> None:
    expect(page.locator("#legend")).to_contain_text("PASS 2")
    expect(page.locator("#legend")).to_contain_text("FAIL 3")
    assert page.locator("#chart rect").count() >= 2


def test_a_person_decides_by_keyboard_and_by_button(page: Page, filled: Line) -> None:
    page.locator("#rows button").first.click()
    expect(page.locator("#detail")).to_be_visible()
    first = page.url
    page.keyboard.press("g")
    expect(page.locator("#decided")).to_contain_text("Good by local")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#decided")).to_contain_text("Nobody has decided")
    assert page.url != first
    page.locator("#decision-note").fill("good day, damp")  # g and d in a note decide nothing
    expect(page.locator("#decided")).to_contain_text("Nobody has decided")
    page.locator("#decide-unsure").click()
    expect(page.locator("#decided")).to_contain_text("Not sure by local")
    expect(page.locator("#decided")).to_contain_text("good day, damp")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#decided")).to_contain_text("Nobody has decided")
    page.keyboard.press("d")
    expect(page.locator("#decided")).to_contain_text("Defect by local")
    assert [len(decided(filled, name)) for name in ("good", "unsure", "defect")] == [1, 1, 1]
    assert decided(filled, "unsure")[0]["note"] == "good day, damp"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#decided")).to_contain_text("Good by local")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    page.locator("#decision").select_option("defect")
    expect(page.locator("#rows li")).to_have_count(1)


def test_a_result_shows_its_picture_and_what_judged_it(page: Page) -> None:
    page.locator("[name=verdict][value=FAIL]").check()
    expect(page.locator("#rows li")).to_have_count(3)
    page.locator("#rows button").first.click()
    expect(page.locator(".look img")).to_have_count(2)
    for image in page.locator(".look img").all():
        expect(image).to_have_js_property("naturalWidth", 192)
    page.keyboard.press("m")
    assert page.locator(".look img").nth(1).evaluate("image => image.style.opacity") == "0"
    for word in ("0.500", "0.250", "the model's own", "tiny 1", "SMALL", "Regions, in pixels"):
        expect(page.locator("#detail")).to_contain_text(word)
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()


def test_a_link_to_one_result_opens_it(open_page: OpenPage, filled: Line) -> None:
    result = filled.get("inspections?lot=PAGED&limit=1")["items"][0]
    page = open_page(f"{filled.url}/history?id={result['id']}")
    expect(page.locator("#detail")).to_contain_text(result["id"])
