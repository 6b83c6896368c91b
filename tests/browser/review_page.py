"""A review page of drawn parts, and its screenshots: `python -m tests.browser.review_page OUT`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from inspector.demo_part import DEFECT_KINDS, render_defect, render_good
from inspector.patch import Patch, PatchHeader
from search.labels.finding import Finding, mapped, propose, thumbnail
from search.labels.report import Review, Table, render_page
from tests.browser.chromium import DESKTOP, PHONE, chromium, chromium_path
from tests.browser.screenshots import small_png


def make_findings() -> list[Finding]:
    """Draw two hidden defects, three doubted classes and an odd photo."""
    rng = np.random.default_rng(4)
    findings = []
    for number, kind in enumerate(DEFECT_KINDS[:2]):
        frame, mask = render_defect(kind, rng, size_px=300)[:2]
        score = np.asarray(mask, np.float32)
        rows, columns = np.nonzero(mask)
        left, top = (round(1000 * values.min() / 300) for values in (columns, rows))
        width, height = (round(1000 * np.ptp(values) / 300) for values in (columns, rows))
        proposal = propose(
            "contaminated",
            f"train/good/{number:03}.png",
            given="good",
            proposed="defect",
            score=0.97,
            margin=4.1,
        )
        facts = (("rank", f"{number + 1} of 240"), ("above all", "5.2 robust deviations"))
        findings.append(
            Finding(proposal, facts, thumbnail(frame), mapped(frame, score, box=(left, top, width, height)))
        )
    for number, kind in enumerate(DEFECT_KINDS[:3]):
        frame = render_defect(kind, rng, size_px=300)[0]
        given = DEFECT_KINDS[(number + 1) % 3]
        proposal = propose(
            "label", f"{given}/{number:03}.png", given=given, proposed=kind, score=0.91, margin=0.8
        )
        facts = (("seeds agree", "3 of 3"), ("cleanlab", "an issue, label quality 0.041"))
        findings.append(Finding(proposal, facts, thumbnail(frame)))
    odd = propose("odd", 'train/good/<b>&"dark".png', given="good", proposed="remove")
    dark = np.asarray(render_good(rng, size_px=300) // 4, np.uint8)
    findings.append(Finding(odd, (("why", "unusually dark, 8.4 robust deviations"),), thumbnail(dark)))
    return findings


def write_review_page(folder: Path) -> tuple[Path, Patch]:
    """Write the page and return its path and the patch that it holds."""
    findings = make_findings()
    header = PatchHeader(
        fingerprint="ab" * 32, made_by="a test", created="2026-11-24T08:00:00Z", data="/data/flanges"
    )
    patch = Patch(header, tuple(one.proposal for one in findings))
    rows = (("0", "0.912", "0.640", "240"), ("1", "0.604", "0.511", "239"), ("2", "0.431", "0.398", "238"))
    table = Table(
        "The threshold without the suspects",
        ("dropped", "fail above", "review above", "photos"),
        rows,
        "By scores.",
    )
    review = Review(
        name="flanges",
        summary="240 photos were checked. Found: 3 “wrong class”, 2 “defect among the good”, 1 “odd photo”.",
        patch=patch,
        findings=findings,
        tables=(table,),
        labels=("good", *DEFECT_KINDS),
        notes=(),
    )
    path = folder / "review.html"
    path.write_text(render_page(review), encoding="utf-8")
    return path, patch


def main(out: Path) -> None:
    path = chromium_path()
    if path is None:
        sys.exit("chromium is not installed; run: apt-get install -y chromium")
    with tempfile.TemporaryDirectory() as folder, chromium(path) as browser:
        page_file, _ = write_review_page(Path(folder))
        for name, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            page = browser.new_page(viewport=viewport, color_scheme="light")
            page.goto(page_file.as_uri())
            page.locator("#by").fill("Eva")
            for key in "ajr":
                page.keyboard.press("Escape")
                page.keyboard.press(key)
            if name == "phone":
                page.locator("#item-0").scroll_into_view_if_needed()
            (out / f"labels_{name}.png").write_bytes(small_png(page.screenshot()))
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
