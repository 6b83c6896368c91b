"""Screenshots of the pages for docs: `python -m tests.browser.screenshots BUNDLE OUT [OTHER_BUNDLE]`.

A server on BUNDLE inspects parts that `inspector.demo_part` draws, replayed as a camera; nothing else is in
the pictures. Each is below 300 kB. OTHER_BUNDLE is uploaded and looks on as a shadow.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from inspector.demo_part import DEFECT_KINDS, render_defect, render_good
from tests.browser.chromium import DESKTOP, PANEL, PHONE, chromium, chromium_path
from tests.edge_app.serving import serving

MAX_BYTES = 300_000
NUM_FRAMES = 18
CAMERA = {"name": "flange", "address": "folder:flange", "fps": 2, "lot": "A-1042"}
ROI = [[0.14, 0.12], [0.86, 0.12], [0.86, 0.9], [0.14, 0.9]]


def draw_parts(folder: Path) -> None:
    """Draw parts of which every third has a defect."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(NUM_FRAMES):
        kind = DEFECT_KINDS[(number // 3) % len(DEFECT_KINDS)]
        is_bad = number % 3 == 2
        frame = render_defect(kind, rng, size_px=560)[0] if is_bad else render_good(rng, size_px=560)
        cv2.imwrite(str(folder / f"{number:02d}.png"), frame)


class Camera:
    """Takes the screenshots of one server."""

    def __init__(self, browser: Browser, url: str, out: Path) -> None:
        self._browser, self._url, self._out = browser, url, out

    def open(self, path: str, viewport: ViewportSize, *, scheme: str = "light", ready: str) -> Page:
        """Open a page and wait until it shows what is asked for."""
        context = self._browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{self._url}{path}")
        page.wait_for_selector(ready, timeout=60_000)
        page.wait_for_timeout(1500)  # thumbnails
        return page

    def keep(self, page: Page, name: str) -> None:
        """Write what the page shows, and close it."""
        (self._out / f"{name}.png").write_bytes(small_png(page.screenshot()))
        page.context.close()


def small_png(png: bytes) -> bytes:
    """Return the picture as it is, or with fewer colours until it fits `MAX_BYTES`; rare ones stay."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    whole = io.BytesIO()
    picture.save(whole, "PNG", optimize=True)
    if whole.tell() <= MAX_BYTES:
        return whole.getvalue()
    for num_colours in (256, 128, 64, 32):
        small = io.BytesIO()
        few = picture.quantize(num_colours, Image.Quantize.MAXCOVERAGE, kmeans=6, dither=Image.Dither.NONE)
        few.save(small, "PNG", optimize=True)
        if small.tell() <= MAX_BYTES:
            return small.getvalue()
    raise ValueError(f"the screenshot has {small.tell()} bytes with 32 colours; the limit is {MAX_BYTES}")


def prepare(url: str, other: Path | None) -> None:
    """Add the camera, another model, thresholds and decisions."""
    api = httpx.Client(base_url=f"{url}/api/v1/", timeout=60)
    api.post("cameras", json=CAMERA).raise_for_status()
    if other is not None:
        headers = {"content-type": "application/zip"}
        entry = api.post("models", content=other.read_bytes(), headers=headers).json()
        api.put("models/shadow", json={"digest": entry["digest"]}).raise_for_status()
    own = api.get("thresholds").json()["thresholds"]
    wider = {**own, "fail": round(min(0.9, own["fail"] + 0.25), 3)}
    api.put("thresholds", json=wider).raise_for_status()
    while len(api.get("inspections", params={"limit": 100}).json()["items"]) < 60:
        pass
    said = {"FAIL": "defect", "REVIEW": "unsure", "PASS": "good"}
    for item in api.get("inspections", params={"limit": 60}).json()["items"][8::4]:
        decision = {"decision": said[item["verdict"]], "note": "seen at the line"}
        api.put(f"inspections/{item['id']}/decision", json=decision).raise_for_status()


def take_live(camera: Camera) -> None:
    failed = "#verdict[data-verdict=FAIL]"
    camera.keep(camera.open("/", DESKTOP, ready=failed), "live_desktop")
    camera.keep(camera.open("/", PHONE, ready="#verdict[data-verdict=REVIEW]"), "live_phone")
    page = camera.open("/", PANEL, scheme="dark", ready="#verdict[data-verdict=PASS]")
    camera.keep(page, "live_panel")
    page = camera.open("/", PANEL, scheme="dark", ready="#verdict[data-verdict=PASS]")
    page.keyboard.press("w")
    page.wait_for_selector("#verdict[data-verdict=FAIL]")
    camera.keep(page, "live_wall")
    page = camera.open("/", DESKTOP, ready="#strip a[data-verdict=REVIEW]")
    page.locator("#review-number").fill("0.1")
    page.wait_for_timeout(1000)
    camera.keep(page, "live_thresholds")


def take_history(camera: Camera) -> None:
    for viewport, name in ((DESKTOP, "desktop"), (PHONE, "phone")):
        camera.keep(camera.open("/history", viewport, ready="#rows li"), f"history_{name}")
        page = camera.open("/history?decision=defect", viewport, ready="#rows li")
        page.locator("#rows button").first.click()
        page.wait_for_selector(".look img")
        page.wait_for_timeout(1000)
        camera.keep(page, f"detail_{name}")


def take_management(camera: Camera) -> None:
    for viewport, name in ((DESKTOP, "desktop"), (PHONE, "phone")):
        camera.keep(camera.open("/cameras", viewport, ready=".camera .tag.good"), f"cameras_{name}")
        camera.keep(camera.open("/models", viewport, ready="#serving .facts"), f"models_{name}")
        camera.keep(camera.open("/health", viewport, ready="#drift-sources table"), f"health_{name}")
    page = camera.open("/cameras", DESKTOP, ready=".camera .tag.good")
    page.get_by_role("button", name="Areas").click()
    page.wait_for_timeout(500)
    page.locator("#draw-roi").click()
    box = page.locator("#areas-picture svg").bounding_box()
    assert box is not None
    for x, y in [*ROI, ROI[0]]:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    camera.keep(page, "cameras_areas")


def take_try(camera: Camera, photo: Path) -> None:
    for viewport, name in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page = camera.open("/try", viewport, ready=".thumb")
        page.set_input_files("#file", str(photo))
        page.wait_for_selector("#well[data-state=shown]")
        page.wait_for_timeout(300)  # one frame of drawing
        camera.keep(page, f"page_{name}")


def main(bundle: Path, out: Path, other: Path | None = None) -> None:
    path = chromium_path()
    if path is None:
        sys.exit("chromium is not installed; run: apt-get install -y chromium")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="inspector-state-") as name:
        recordings = Path(name) / "recordings"
        draw_parts(recordings / "flange")
        photo = Path(name) / "thread.png"
        cv2.imwrite(str(photo), render_defect("foreign_thread", np.random.default_rng(2), size_px=560)[0])
        with serving(bundle, state=Path(name)) as server, chromium(path) as browser:
            prepare(server.url, other)
            camera = Camera(browser, server.url, out)
            take_live(camera)
            take_history(camera)
            take_management(camera)
            take_try(camera, photo)
            page = camera.open("/", DESKTOP, ready="#well[data-level=live]")
            shutil.rmtree(recordings / "flange")  # the camera is gone
            page.wait_for_selector("#well[data-level=stale]", timeout=60_000)
            page.wait_for_timeout(1500)
            camera.keep(page, "live_stalled")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*(Path(argument) for argument in sys.argv[1:]))
