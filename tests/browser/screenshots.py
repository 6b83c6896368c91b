"""Screenshots of the page for docs: `python -m tests.browser.screenshots BUNDLE IMAGE OUT`.

Writes OUT/page_desktop.png, OUT/page_phone.png and OUT/page_empty.png, each below 300 kB.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from tests.browser.chromium import DESKTOP, PHONE, chromium, chromium_path
from tests.edge_app.serving import serving

MAX_BYTES = 300_000
DRAWN = "() => document.getElementById('well').dataset.state === 'shown'"


def take(browser: Browser, url: str, viewport: ViewportSize, image: Path | None, out: Path) -> None:
    """Open the page, give it `image`, and write what it shows to `out`."""
    page = browser.new_page(viewport=viewport)
    page.goto(url)
    page.wait_for_selector("#health[data-state=ready]")
    page.wait_for_load_state("networkidle")
    if image is not None:
        page.set_input_files("#file", str(image))
        page.wait_for_function(DRAWN)
        page.wait_for_timeout(300)  # one frame of drawing
    out.write_bytes(_small_png(page.screenshot()))
    page.close()


def _small_png(png: bytes) -> bytes:
    """Return the picture with at most 256 colours, fewer until it fits `MAX_BYTES`; rare ones stay."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for num_colours in (256, 128, 64, 32):
        small = io.BytesIO()
        picture.quantize(num_colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            small, "PNG", optimize=True
        )
        if small.tell() <= MAX_BYTES:
            return small.getvalue()
    raise ValueError(f"the screenshot has {small.tell()} bytes with 32 colours; the limit is {MAX_BYTES}")


def main(bundle: Path, image: Path, out: Path) -> None:
    path = chromium_path()
    if path is None:
        sys.exit("chromium is not installed; run: apt-get install -y chromium")
    out.mkdir(parents=True, exist_ok=True)
    with serving(bundle) as server, chromium(path) as browser:
        take(browser, server.url, DESKTOP, image, out / "page_desktop.png")
        take(browser, server.url, PHONE, image, out / "page_phone.png")
        take(browser, server.url, DESKTOP, None, out / "page_empty.png")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*(Path(argument) for argument in sys.argv[1:]))
