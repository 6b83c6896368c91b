"""Cameras, models and health in Chromium: added, drawn on, uploaded, activated, rolled back, set."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.line import Line
from tests.tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.browser
PATIENT_MS = 15_000
ROI = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.9), (0.2, 0.9)]
IGNORED = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.6)]


def click_corners(page: Page, corners: list[tuple[float, float]]) -> None:
    box = page.locator("#areas-picture svg").bounding_box()
    assert box is not None
    for x, y in corners:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_areas_are_drawn_on_the_picture_and_stored(open_page: OpenPage, line: Line) -> None:
    page = open_page(f"{line.url}/cameras")
    card = page.locator(".camera[data-name=ring]")
    expect(card.locator(".tag")).to_have_text("running", timeout=PATIENT_MS)
    card.get_by_role("button", name="Areas").click()
    expect(page.locator("#areas-picture img")).to_have_js_property("naturalWidth", 192)
    page.locator("#draw-roi").click()
    click_corners(page, [*ROI, ROI[0]])  # the first corner closes it
    expect(page.locator("#areas-list")).to_contain_text("Region of interest, 4 corners")
    page.locator("#draw-ignore").click()
    click_corners(page, [*IGNORED, (0.9, 0.9)])
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    expect(page.locator("#areas-list")).to_contain_text("Ignored area 1, 3 corners")
    page.locator("#areas-list input").nth(1).fill("40 40, 60 40, 50 70")
    page.locator("#areas-list input").nth(1).blur()
    page.locator("#areas-save").click()
    expect(page.locator("#areas")).to_be_hidden()
    stored = line.get("cameras/ring")["settings"]
    for corner, clicked in zip(stored["roi"], ROI, strict=True):
        assert corner == pytest.approx(clicked, abs=0.01)
    assert stored["ignore"] == [[[0.4, 0.4], [0.6, 0.4], [0.5, 0.7]]]
    expect(card).to_contain_text("region of interest, 1 ignored area", timeout=PATIENT_MS)


def test_a_camera_is_added_changed_and_removed(open_page: OpenPage, line: Line) -> None:
    page = open_page(f"{line.url}/cameras")
    page.locator("#add").click()
    form = page.locator("#camera-form")
    form.locator("[name=name]").fill("side")
    form.locator("[name=address]").fill("folder:nowhere")
    form.locator("[name=trigger]").select_option("http")
    page.locator("#camera-save").click()
    expect(page.locator("#messages")).to_contain_text("nowhere")  # refused in the server's own sentence
    form.locator("[name=address]").fill("folder:ring")
    page.locator("#camera-save").click()
    card = page.locator(".camera[data-name=side]")
    expect(card).to_contain_text("on a trigger")
    card.get_by_role("button", name="Edit").click()
    form.locator("[name=lot]").fill("L9")
    form.locator("summary").click()
    form.locator("[name='tiles.size_px']").fill("64")
    page.locator("#camera-save").click()
    expect(card).to_contain_text("L9", timeout=PATIENT_MS)
    settings = line.get("cameras/side")["settings"]
    assert (settings["lot"], settings["trigger"]) == ("L9", "http")
    assert settings["tiles"] == {"size_px": 64, "overlap": 0.25}
    card.get_by_role("button", name="Remove").click()
    page.locator("dialog[open]").get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)


def test_a_model_is_uploaded_activated_and_rolled_back(
    open_page: OpenPage, line: Line, tmp_path: Path
) -> None:
    page = open_page(f"{line.url}/models")
    expect(page.locator("#serving")).to_contain_text("tiny 1")
    broken = tmp_path / "broken.bundle"
    broken.write_bytes(b"PK nothing")
    page.locator("#bundle").set_input_files(broken)
    expect(page.locator(".message.bad")).to_contain_text("broken.bundle was refused")
    page.locator("#bundle").set_input_files(write_tiny_bundle(tmp_path / "next.bundle", version="2"))
    expect(page.locator("#messages")).to_contain_text("tiny 2 is verified and tested")
    entry = page.locator(".model", has_text="tiny 2")
    entry.get_by_role("button", name="Look on as shadow").click()
    expect(entry.locator(".tag").first).to_have_text("Shadow", timeout=PATIENT_MS)
    entry.get_by_role("button", name="End the shadow").click()
    expect(entry.locator(".tag").first).to_have_text("Available", timeout=PATIENT_MS)
    entry.get_by_role("button", name="Activate").click()
    page.locator("dialog[open]").get_by_role("button", name="Activate").click()
    expect(page.locator("#serving")).to_contain_text("tiny 2", timeout=PATIENT_MS)
    assert line.get("model")["version"] == "2"
    page.locator("#rollback").click()
    page.locator("dialog[open]").get_by_role("button", name="Roll back").click()
    expect(page.locator("#serving")).to_contain_text("tiny 1", timeout=PATIENT_MS)
    assert line.get("model")["version"] == "1"


def test_health_is_told_in_words_and_settings_are_saved(open_page: OpenPage, line: Line) -> None:
    page = open_page(f"{line.url}/health")
    expect(page.locator("#tiles")).to_contain_text("free")
    expect(page.locator("#drift-sources")).to_contain_text("Brightness", timeout=PATIENT_MS)
    page.locator("#settings [name=photos]").select_option("non_pass")
    page.locator("#settings [name=max_age_days]").fill("30")
    page.locator("#settings summary").click()
    destination = '[{"kind": "webhook", "name": "erp", "url": "http://127.0.0.1:9/hook"}]'
    page.locator("[name=destinations]").fill("[{")
    page.locator("#settings-save").click()
    expect(page.locator(".message.bad")).to_contain_text("The destinations are not JSON")
    page.locator("[name=destinations]").fill(destination)
    page.locator("#settings-save").click()
    expect(page.locator("#messages")).to_contain_text("Saved.")
    settings = line.get("settings")["settings"]
    assert (settings["storage"]["photos"], settings["storage"]["max_age_days"]) == ("non_pass", 30)
    expect(page.locator("#outbox")).to_contain_text("erp", timeout=PATIENT_MS)
    expect(page.locator("#audit")).to_contain_text("/api/v1/")


@pytest.mark.parametrize("width", [360, 800])
def test_no_page_scrolls_sideways(open_page: OpenPage, line: Line, width: int) -> None:
    page = open_page(line.url, viewport={"width": width, "height": 780})
    for path in ("", "history", "cameras", "models", "health", "try"):
        page.goto(f"{line.url}/{path}")
        expect(page.locator("#health")).not_to_have_attribute("data-state", "unknown")
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
