"""The live page in Chromium: results as they come, thresholds that are moved, and never a picture that only
looks alive."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.line import Line

pytestmark = pytest.mark.browser
PATIENT_MS = 15_000


@pytest.fixture
def page(open_page: OpenPage, line: Line) -> Page:
    opened = open_page(line.url)
    expect(opened.locator("#live-tag")).to_have_text("Live", timeout=PATIENT_MS)
    return opened


def test_results_come_by_themselves(page: Page) -> None:
    expect(page.locator("#verdict-word")).to_have_text("FAIL", timeout=PATIENT_MS)
    expect(page.locator("#verdict-reason")).to_have_text(
        re.compile("1 region above the fail threshold 0.500")
    )
    expect(page.locator("#verdict-word")).to_have_text("PASS", timeout=PATIENT_MS)
    assert page.locator("#strip li").count() > 3
    assert page.locator("#picture").evaluate("canvas => [canvas.width, canvas.height]") == [192, 128]
    counts = page.locator("#counts dd")
    before = int(counts.first.inner_text())
    expect(counts.first).not_to_have_text(str(before))
    expect(page.locator("#counts-note")).to_contain_text("Model tiny 1")


def test_a_camera_that_stalls_is_never_shown_as_live(page: Page, line: Line) -> None:
    line.stall()
    try:
        expect(page.locator("#well")).to_have_attribute("data-level", "stale", timeout=PATIENT_MS)
        expect(page.locator("#curtain-title")).to_have_text("NOT LIVE")
        expect(page.locator("#verdict-word")).to_have_text("NO DECISION")
        assert "grayscale" in page.locator("#picture").evaluate("canvas => getComputedStyle(canvas).filter")
    finally:
        line.go_on()
    expect(page.locator("#live-tag")).to_have_text("Live", timeout=2 * PATIENT_MS)


def test_a_server_that_says_nothing_is_lost(page: Page, line: Line) -> None:
    """As with a cable that was pulled: nothing is closed, nothing comes."""
    line.served.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("#well")).to_have_attribute("data-level", "lost", timeout=PATIENT_MS)
        expect(page.locator("#verdict-word")).to_have_text("NO DECISION")
        expect(page.locator("#live-tag")).to_have_text("Not connected")
    finally:
        line.served.process.send_signal(signal.SIGCONT)
    expect(page.locator("#live-tag")).to_have_text("Live", timeout=PATIENT_MS)


def test_thresholds_are_tried_on_the_last_results_then_saved(page: Page, line: Line) -> None:
    expect(page.locator("#strip a[data-verdict=FAIL]").first).to_be_visible(timeout=PATIENT_MS)
    page.locator("#fail").focus()
    page.keyboard.press("End")
    assert page.locator("#fail-number").input_value() == "1"
    expect(page.locator("#preview")).to_contain_text("FAIL → REVIEW")
    expect(page.locator("#strip .then").first).to_have_text("→ REVIEW")
    page.locator("#discard").click()
    expect(page.locator("#preview")).to_be_hidden()
    page.locator("#review-number").fill("0.3")
    page.locator("#fail-number").fill("0.6")
    page.locator("#save").click()
    box = page.locator("dialog.box[open]")
    expect(box).to_contain_text("none would have had another verdict")
    assert line.get("thresholds")["version"] == 0
    box.get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("Saved as version 1 by local.")
    saved = line.get("thresholds")
    assert (saved["version"], saved["by"]) == (1, "local")
    assert (saved["thresholds"]["fail"], saved["thresholds"]["review"]) == (0.6, 0.3)
    expect(page.locator("#limits-version")).to_have_text("version 1, set on this device")
    page.locator("#history summary").click()
    expect(page.locator("#history-table tbody tr")).to_have_count(2)


def test_review_never_stands_above_fail(page: Page) -> None:
    page.locator("#fail-number").fill("0.16")
    assert page.locator("#review-number").input_value() == "0.16"
    page.locator("#review-number").fill("0.81")
    assert page.locator("#fail-number").input_value() == "0.81"


def test_a_camera_that_waits_shows_its_last_part_as_that(page: Page, line: Line) -> None:
    waiting = {"name": "gate", "address": "folder:ring", "fps": 20, "trigger": "http"}
    line.ask("POST", "cameras", json=waiting)
    page.locator("#camera").select_option("gate")
    expect(page.locator("#curtain-title")).to_have_text("Waiting for the first part")
    page.locator("#lot").fill("T7")
    page.locator("#trigger").click()
    expect(page.locator("#live-tag")).to_have_text("Last part", timeout=PATIENT_MS)
    expect(page.locator("#verdict-figures")).to_contain_text("lot T7")
    expect(page.locator("#strip li")).to_have_count(1)
    page.locator("#live-tag").click()
    page.keyboard.press("t")
    expect(page.locator("#strip li")).to_have_count(2)
    page.reload()
    expect(page.locator("#live-tag")).to_have_text("Last part", timeout=PATIENT_MS)
    expect(page.locator("#picture-age")).to_have_text(re.compile(r"picture .* old"))
    line.ask("DELETE", "cameras/gate")
    expect(page.locator("#camera")).to_have_value("ring", timeout=PATIENT_MS)


def test_the_wall_view_is_verdict_and_picture_alone(page: Page) -> None:
    page.keyboard.press("w")
    expect(page.locator(".limits")).to_be_hidden()
    size = page.locator(".verdict-line").evaluate("line => parseFloat(getComputedStyle(line).fontSize)")
    assert size > 90
    page.locator("#wall").click()
    expect(page.locator(".limits")).to_be_visible()
