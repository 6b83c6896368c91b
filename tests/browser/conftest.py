"""One Chromium for all tests of the pages, and a way to open pages that must not log errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect  # noqa: E402

from tests.browser.chromium import DESKTOP, chromium, chromium_path  # noqa: E402
from tests.browser.line import Line, running_line  # noqa: E402

OpenPage = Callable[..., Page]
expect.set_options(timeout=20_000)  # for a machine that is busy with other things


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module at most: while Playwright runs, so does its event loop, and no `asyncio.run` works."""
    path = chromium_path()
    if path is None:
        pytest.skip("chromium is not installed: the pages are not tested")
    with chromium(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A server with one folder-replay camera."""
    with running_line(tmp_path_factory.mktemp("line")) as opened:
        yield opened


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page of a server, in a context of its own; at the end no page may have logged an error."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one(url: str, *, viewport: ViewportSize = DESKTOP) -> Page:
        context = browser.new_context(viewport=viewport)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda entry: problems.append(entry.text) if entry.type == "error" else None)
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    # What a server refused is logged by the browser; anything else, a broken policy above all, is ours.
    harmless = ("the server responded with a status of", "ERR_CONNECTION_REFUSED", "WebSocket connection to")
    assert [text for text in problems if not any(words in text for words in harmless)] == []
