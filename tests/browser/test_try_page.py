"""The operator's page in Chromium: drop a photo, see the verdict, move a threshold, see it change at once."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from inspector.postprocess import Thresholds, judge, smooth
from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import part, write_tiny_bundle

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect  # noqa: E402

from tests.browser.chromium import DESKTOP, PHONE  # noqa: E402

pytestmark = pytest.mark.browser

DROP = """([base64, name, type]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  for (const event of ["dragenter", "dragover", "drop"]) {
    document.getElementById("well").dispatchEvent(
      new DragEvent(event, { dataTransfer: files, bubbles: true, cancelable: true }));
  }
}"""
JUDGE = """async ([height, width, values, cases]) => {
  const { judge } = await import("/judge.js");
  const map = { height, width, values: Float32Array.from(values) };
  return cases.map(([fail, review, minAreaPx]) => {
    const { verdict, imageScore, regions } = judge(map, { fail, review, minAreaPx });
    const rows = regions.map((r) => [r.x, r.y, r.width, r.height, r.areaPx, r.meanScore, r.peakScore]);
    return { verdict, imageScore, rows };
  });
}"""


def photo(*, brightness: int = 250, suffix: str = ".png") -> bytes:
    """A photo of 480 x 320 pixels with one bright square and one fainter disc."""
    frame, mask = part(3, defect=True, scale=10)
    frame[mask == 1] = brightness
    cv2.circle(frame, (400, 240), 30, (185, 185, 185), -1)
    return bytes(cv2.imencode(suffix, frame)[1].tobytes())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    bundle = write_tiny_bundle(tmp_path_factory.mktemp("page") / "tiny.bundle")
    with serving(bundle, INSPECTOR_MAX_BODY_MB="2") as server:
        yield server


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """The page, ready; it must not have logged an error at the end."""
    opened = browser.new_page(viewport=DESKTOP)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    opened.goto(f"{served.url}/try")
    expect(opened.locator("#health")).to_have_attribute("data-state", "ready")
    yield opened
    # A 4xx answer is logged by the browser itself; anything else, a broken content policy above all, is ours.
    assert [text for text in problems if "the server responded with a status of" not in text] == []
    opened.close()


def drop(page: Page, content: bytes, *, name: str = "part.png", media_type: str = "image/png") -> None:
    page.evaluate(DROP, [base64.b64encode(content).decode(), name, media_type])


def verdict(page: Page) -> str:
    return str(page.locator("#verdict").get_attribute("data-verdict"))


def move(page: Page, slider: str, position: float) -> None:
    page.locator(f"#{slider}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        str(position),
    )


def test_a_dropped_photo_gets_a_verdict_and_the_slider_changes_it_without_asking_again(page: Page) -> None:
    expect(page.locator("#verdict-word")).to_have_text("No photo")
    drop(page, photo())
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    expect(page.locator("#regions tr")).to_have_count(2)
    expect(page.locator("#file-name")).to_have_text("part.png, 480 × 320")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    before = page.locator("#picture").screenshot()
    move(page, "fail", 1.0)
    expect(page.locator("#verdict-word")).to_have_text("REVIEW")
    expect(page.locator("#verdict-own")).to_have_text("With your thresholds. Those in force say FAIL.")
    move(page, "review", 1.0)
    expect(page.locator("#verdict-word")).to_have_text("PASS")
    expect(page.locator("#regions tr")).to_have_count(0)
    page.wait_for_timeout(100)
    assert page.locator("#picture").screenshot() != before
    page.locator("#reset").click()
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    expect(page.locator("#verdict-own")).to_be_hidden()
    assert [url for url in requests if not url.endswith("/health")] == []


def test_the_page_decides_as_the_server_does(page: Page, served: Served) -> None:
    content = photo(brightness=205)
    drop(page, content)
    expect(page.locator("#regions tr").first).to_be_visible()
    seen = set()
    for fail, review in [(0.9, 0.8), (0.8, 0.7), (0.7, 0.69), (0.5, 0.5), (0.99, 0.3), (1, 1), (0.85, 0.01)]:
        page.locator("#fail-number").fill(str(fail))
        page.locator("#review-number").fill(str(review))
        answer = httpx.post(
            f"{served.url}/api/v1/inspections",
            params={"fail": fail, "review": review},
            content=content,
            headers={"content-type": "image/png"},
        ).json()
        assert verdict(page) == answer["verdict"]
        rows = [row.split("\t") for row in page.locator("#regions tr").all_inner_texts()]
        areas = [int(row[3].replace(" px", "").replace(",", "")) for row in rows]
        assert areas == [region["area_px"] for region in answer["regions"]]
        seen.add(answer["verdict"])
    assert seen == {"PASS", "REVIEW", "FAIL"}


def test_the_rule_in_the_browser_is_the_rule_of_the_core(page: Page) -> None:
    rng = np.random.default_rng(11)
    verdicts = set()
    for size_hw in ((40, 56), (1, 30), (30, 1), (64, 64)):
        score = rng.random(size_hw).astype(np.float32) ** 2
        smoothed = smooth(score)
        levels = [float(value) for value in np.quantile(smoothed, [0, 0.3, 0.6, 0.9, 0.99, 1])]
        cases = [
            (fail, min(fail, review), min_area_px)
            for fail in (*levels, 0.3, 1.0)
            for review in (levels[2], levels[4])
            for min_area_px in (1, 2, 5, 40)
        ]
        got = page.evaluate(JUDGE, [*size_hw, smoothed.ravel().tolist(), cases])
        for (fail, review, min_area_px), answer in zip(cases, got, strict=True):
            known = judge(score, Thresholds(fail, review, min_area_px))
            expected = sorted(
                (r.x, r.y, r.width, r.height, r.area_px, r.mean_score, r.peak_score) for r in known.regions
            )
            assert answer["verdict"] == known.verdict.value
            assert answer["imageScore"] == known.image_score
            np.testing.assert_allclose(sorted(map(tuple, answer["rows"])), expected, rtol=1e-5)
            verdicts.add(known.verdict)
    assert len(verdicts) == 3


def test_review_never_stands_above_fail(page: Page) -> None:
    move(page, "fail", 0.4)
    assert page.locator("#fail-number").input_value() == "0.16"
    assert page.locator("#review-number").input_value() == "0.16"
    move(page, "review", 0.9)
    assert page.locator("#fail-number").input_value() == "0.81"


def test_the_page_works_with_the_keyboard_alone(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    # Listening begins before the first key: a chooser that opens in the same instant can escape Playwright.
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "choose"
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "part.bmp", "mimeType": "image/bmp", "buffer": photo(suffix=".bmp")})
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    page.locator("#fail").focus()
    page.keyboard.press("End")
    expect(page.locator("#verdict-word")).to_have_text("REVIEW")
    page.locator("#regions tr").nth(1).focus()
    expect(page.locator("#regions tr").nth(1)).to_have_class("marked")


def test_an_example_of_the_model_is_one_click_away(page: Page) -> None:
    expect(page.locator("#model-warning")).to_have_text("few images")
    page.locator(".thumb").first.click()
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    expect(page.locator("#file-name")).to_have_text("example 1, 48 × 32")


def test_the_photo_stands_upright_as_the_server_saw_it(page: Page) -> None:
    """A phone's JPEG says in its EXIF that it lies on its side; map and photo must turn together."""
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    jpeg = photo(suffix=".jpg")
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    drop(page, turned, name="phone.jpg", media_type="image/jpeg")
    expect(page.locator("#file-name")).to_have_text("phone.jpg, 320 × 480")
    page.wait_for_timeout(200)
    pixel = (
        "(canvas, [x, y]) => canvas.getContext('2d')"
        ".getImageData(canvas.width * x, canvas.height * y, 1, 1).data[0]"
    )
    page.locator("#show-map").uncheck()
    page.wait_for_timeout(100)
    # The bright square is at (200, 140) of 480 x 320, so at (1 - 140 / 320, 200 / 480) of the upright photo.
    assert page.locator("#picture").evaluate(pixel, [1 - 140 / 320, 200 / 480]) > 230
    assert page.locator("#picture").evaluate(pixel, [0.1, 0.9]) < 130


@pytest.mark.parametrize(
    ("content", "name", "media_type", "sentence"),
    [
        (b"hello", "notes.txt", "text/plain", "notes.txt is not a JPEG, PNG or BMP photo."),
        (b"hello", "fake.png", "image/png", "The body (5 bytes) is not a JPEG, PNG or BMP photo"),
        (photo()[:300], "cut.png", "image/png", "cut off or damaged"),
        (b"\0" * 2_100_000, "large.png", "image/png", "large.png has 2.1 MB; the limit is 2 MB."),
    ],
)
def test_a_bad_file_gets_one_sentence_and_the_last_result_stays(
    page: Page, content: bytes, name: str, media_type: str, sentence: str
) -> None:
    drop(page, photo())
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    drop(page, content, name=name, media_type=media_type)
    expect(page.locator("#notice-text")).to_contain_text(sentence)
    expect(page.locator("#working")).to_be_hidden()
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    page.locator("#notice-close").click()
    expect(page.locator("#notice")).to_be_hidden()


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, served: Served) -> None:
    page = browser.new_page(viewport=PHONE, has_touch=True)
    page.goto(f"{served.url}/try")
    expect(page.locator("#health")).to_have_attribute("data-state", "ready")
    drop(page, photo())
    expect(page.locator("#verdict-word")).to_have_text("FAIL")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    verdict_box, picture_box = (
        page.locator("#verdict").bounding_box(),
        page.locator("#picture").bounding_box(),
    )
    assert verdict_box is not None
    assert picture_box is not None
    assert verdict_box["y"] < picture_box["y"]
    assert picture_box["y"] + picture_box["height"] < PHONE["height"]
    page.close()


def test_a_server_that_went_away_is_said_so(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport=DESKTOP)
    with serving(write_tiny_bundle(tmp_path / "tiny.bundle")) as server:
        page.goto(f"{server.url}/try")
        expect(page.locator("#health-text")).to_have_text("Ready")
    drop(page, photo())
    expect(page.locator("#notice-text")).to_have_text("The inspector does not answer. Is it still running?")
    expect(page.locator("#health-text")).to_have_text("Not reachable")
    page.close()
