"""The page as a whole: self-contained, deterministic, safe, and there at any moment of a run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from inspector.errors import RunError, StorageError
from search.events import EventLog
from search.report.gallery import GalleryItem
from search.report.html import write_report

MakeRun = Callable[..., Path]
MakeGallery = Callable[..., list[GalleryItem]]
VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)> & {{ 7 * 7 }}.png"


class _Checker(HTMLParser):
    """Collects ids and addresses, and fails on a tag that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def change_result(run: Path, **changes: object) -> None:
    path = run / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


@pytest.fixture(scope="module")
def page(make_run: MakeRun, make_gallery: MakeGallery) -> str:
    """The whole page of a finished run with 24 pictures, for tests that only look at it."""
    return write_report(make_run(), gallery=make_gallery(24)).read_text(encoding="utf-8")


@pytest.fixture
def quick_run(make_run: MakeRun) -> Path:
    """A finished run of which only the stages were logged."""
    return make_run(charts=False)


def test_a_finished_run_shows_what_was_found(page: str) -> None:
    for text in (
        "0.463",
        "0.85 M",
        "3.40 MB",
        "of 5 MB allowed",
        "1.13 G",
        "58 min 45 s",
        "MT_Break",
        "winner",
    ):
        assert text in page
    assert "not finished" not in page


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    checker = check(page)
    assert all(address.startswith(("#", "data:image/")) for address in checker.addresses)
    assert not checker.tags & {"script", "link", "iframe", "object"}
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) == {"#"}


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    checker = check(page)
    assert len(checker.ids) == len(set(checker.ids))
    wanted = {address[1:] for address in checker.addresses if address.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", page)) | set(re.findall(r'aria-labelledby="([^"]*)"', page))
    assert wanted <= set(checker.ids)


def test_every_picture_and_figure_has_words(page: str) -> None:
    assert re.findall(r'alt="([^"]+)"', page)[0].endswith("photo, score map over it")
    assert page.count("<img ") == page.count('alt="test/') == 24
    labels = re.findall(r'role="img" aria-label="([^"]*)"', page)
    assert all(labels)
    assert any(label.startswith("U-Net with 18 nodes") for label in labels)


def test_a_page_with_24_pictures_is_under_two_megabytes(page: str) -> None:
    assert len(page.encode()) < 2_000_000


def test_the_same_run_gives_the_same_bytes(make_run: MakeRun, make_gallery: MakeGallery) -> None:
    run = make_run()
    first = write_report(run, gallery=make_gallery(2)).read_bytes()
    assert write_report(run, gallery=make_gallery(2)).read_bytes() == first


@pytest.mark.parametrize("until", ["one_shot", "evolution", "retraining"])
def test_an_unfinished_run_says_so(make_run: MakeRun, until: str) -> None:
    page = write_report(make_run(until=until)).read_text(encoding="utf-8")
    check(page)
    assert "This run is not finished." in page
    assert "the run has written no result" in page


def test_a_run_that_has_only_a_recipe_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("seed: 3\n", encoding="utf-8")
    page = write_report(tmp_path).read_text(encoding="utf-8")
    check(page)
    assert "No steps yet." in page
    assert "No candidate was evaluated yet." in page


def test_a_run_killed_inside_a_line_has_a_report(make_run: MakeRun) -> None:
    run = make_run(until="one_shot", charts=False)
    with EventLog(run / "events.jsonl") as log:
        log.write("step", stage="retraining", step=20, loss=0.4321)
    content = (run / "events.jsonl").read_bytes()
    whole = write_report(run).read_text(encoding="utf-8")
    (run / "events.jsonl").write_bytes(content[:-9])
    cut = write_report(run).read_text(encoding="utf-8")
    assert "at step 20" in whole
    assert "at step 20" not in cut


def test_a_damaged_event_log_is_named_and_the_old_report_stays(quick_run: Path) -> None:
    before = write_report(quick_run).read_bytes()
    content = (quick_run / "events.jsonl").read_bytes()
    (quick_run / "events.jsonl").write_bytes(b"garbage\n" + content)
    with pytest.raises(RunError, match=r"events\.jsonl, line 1: not an event"):
        write_report(quick_run)
    assert (quick_run / "report.html").read_bytes() == before


def test_hostile_names_are_text(make_run: MakeRun, make_gallery: MakeGallery) -> None:
    run = make_run("<b>run", charts=False)
    change_result(run, metrics={"pixel_aupr": 0.5, "per_defect": {HOSTILE: {"pixel_aupr": 0.5}}})
    change_result(run, data={"root": HOSTILE})
    (run / "recipe.yaml").write_text(yaml.safe_dump({"data": {"root": HOSTILE}}), encoding="utf-8")
    caption = HOSTILE.replace("{", "{{").replace("}", "}}")
    page = write_report(run, gallery=make_gallery(2, caption=caption)).read_text(encoding="utf-8")
    checker = check(page)
    assert "script" not in checker.tags
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)") == 5  # two pictures twice, one defect
    assert "{{ 7 * 7 }}" in page
    assert "x" not in checker.addresses


def test_hostile_genes_in_the_event_log_are_text(make_run: MakeRun) -> None:
    run = make_run(until="evolution", charts=False)
    with EventLog(run / "events.jsonl") as log:
        log.write("candidate", generation=8, genes=HOSTILE, fitness=0.99, params=1, size_mb=1.0, macs_g=1.0)
    page = write_report(run).read_text(encoding="utf-8")
    assert "script" not in check(page).tags


def test_a_network_of_another_family_is_written_instead_of_drawn(quick_run: Path) -> None:
    change_result(
        quick_run, genes={"space": "dual", "digits": "01201"}, network={"family": "draem", "width": 128}
    )
    page = write_report(quick_run).read_text(encoding="utf-8")
    check(page)
    assert "Genes in space dual" in page


def test_figures_that_do_not_exist_are_dashes(quick_run: Path) -> None:
    metrics = dict.fromkeys(json.loads((quick_run / "result.json").read_text())["metrics"])
    change_result(quick_run, metrics=metrics | {"num_good": 4, "num_defect": 0, "per_defect": {}})
    page = write_report(quick_run).read_text(encoding="utf-8")
    check(page)
    assert "None" not in page
    assert "holds no defective image" in page


def test_no_space_leaves_the_old_report_whole(quick_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_report(quick_run).read_bytes()
    files = sorted(path.name for path in quick_run.iterdir())

    def no_space(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match=r"cannot write .*report\.html: No space left on device"):
        write_report(quick_run)
    assert (quick_run / "report.html").read_bytes() == before
    assert sorted(path.name for path in quick_run.iterdir()) == files


def test_candidates_show_their_predicted_latency_where_there_is_one(make_run: MakeRun) -> None:
    run = make_run()
    assert "ms predicted" not in write_report(run).read_text(encoding="utf-8")
    path = run / "events.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [{**line, "latency_ms": 12.345} if line["kind"] == "candidate" else line for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    page = write_report(run).read_text(encoding="utf-8")
    check(page)
    assert "ms predicted" in page
    best = page.split("<caption>The best")[1].split("</table>")[0]
    assert best.count(">12.35<") == 10
