"""A server that asks for keys: who has none logs in, and a role hides what it may not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from tests.browser.conftest import OpenPage
from tests.browser.line import CAMERA, Line, png, running_line

pytestmark = pytest.mark.browser
PATIENT_MS = 15_000


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Line, dict[str, str]]]:
    folder: Path = tmp_path_factory.mktemp("guarded")
    keys = Keys(folder / "state")
    secrets = {role.label: keys.add(f"{role.label}-key", role) for role in Role}
    with running_line(folder, "--require-key", with_camera=False) as line:
        headers = {"Authorization": f"Bearer {secrets['admin']}"}
        line.ask("POST", "cameras", json={**CAMERA, "trigger": "http"}, headers=headers)
        line.ask(
            "POST",
            "inspections",
            content=png(2, defect=True),
            headers={**headers, "content-type": "image/png"},
        )
        yield line, secrets


def logged_in(open_page: OpenPage, guarded: tuple[Line, dict[str, str]], role: str, path: str = "/") -> Page:
    line, secrets = guarded
    page = open_page(f"{line.url}{path}")
    expect(page.locator("#enter")).to_be_enabled()
    page.locator("#key").fill(secrets[role])
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text(f"{role}-key ({role})")
    assert page.url == f"{line.url}{path}"
    return page


def test_a_wrong_key_is_told_and_a_right_one_leads_on(
    open_page: OpenPage, guarded: tuple[Line, dict[str, str]]
) -> None:
    line, secrets = guarded
    page = open_page(f"{line.url}/models")
    expect(page.locator("#login")).to_be_visible()
    page.locator("#key").fill("vi_wrong")
    page.locator("#enter").click()
    expect(page.locator("#login-error")).to_contain_text("This key is not known or was revoked")
    page.locator("#key").fill(secrets["viewer"])
    page.locator("#enter").click()
    expect(page.locator("#serving")).to_contain_text("tiny 1")
    assert page.url == f"{line.url}/models"
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#login")).to_be_visible()


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_the_log_in_page_leads_to_this_server_only(
    open_page: OpenPage, guarded: tuple[Line, dict[str, str]], target: str
) -> None:
    line, secrets = guarded
    page = open_page(f"{line.url}/login?next={target}")
    page.locator("#key").fill(secrets["viewer"])
    page.locator("#enter").click()
    expect(page.locator("#who")).to_contain_text("viewer-key")
    assert page.url == f"{line.url}/"


@pytest.mark.parametrize(
    ("role", "triggers", "decides", "administers"),
    [("viewer", False, False, False), ("operator", True, True, False), ("admin", True, True, True)],
)
def test_a_role_sees_what_it_may_do(
    open_page: OpenPage,
    guarded: tuple[Line, dict[str, str]],
    role: str,
    triggers: bool,
    decides: bool,
    administers: bool,
) -> None:
    line, _ = guarded
    page = logged_in(open_page, guarded, role)
    expect(page.locator("#fail")).to_be_enabled(timeout=PATIENT_MS)
    page.locator("#fail-number").fill("0.9")
    expect(page.locator("#save")).to_be_visible(visible=administers)
    expect(page.locator("#trigger")).to_be_visible(visible=triggers)
    expect(page.get_by_role("link", name="Try")).to_be_visible(visible=triggers)
    page.goto(f"{line.url}/history")
    page.locator("#rows button").first.click()
    expect(page.locator("#decided")).to_contain_text("Nobody has decided")
    expect(page.locator("#decide-good")).to_be_visible(visible=decides)
    page.goto(f"{line.url}/cameras")
    expect(page.locator(".camera")).to_have_count(1)
    expect(page.locator("#add")).to_be_visible(visible=administers)
    expect(page.get_by_role("button", name="Areas")).to_be_visible(visible=administers)
    page.goto(f"{line.url}/models")
    expect(page.locator("#serving")).to_contain_text("tiny 1")
    expect(page.locator("#drop")).to_be_visible(visible=administers)
    page.goto(f"{line.url}/health")
    expect(page.locator("#tiles")).to_contain_text("free")
    expect(page.locator("#settings-title")).to_be_visible(visible=administers)


def test_a_page_whose_key_is_revoked_goes_to_the_log_in_page(
    open_page: OpenPage, guarded: tuple[Line, dict[str, str]]
) -> None:
    line, secrets = guarded
    keys = Keys(line.folder / "state")
    secrets["viewer"] = keys.add("viewer-key2", Role.VIEWER)
    page = open_page(line.url)
    # Before its script has run, Enter in the form does nothing that the page knows of.
    expect(page.locator("#enter")).to_be_enabled()
    page.locator("#key").fill(secrets["viewer"])
    page.keyboard.press("Enter")
    expect(page.locator("#fail")).to_be_enabled(timeout=PATIENT_MS)
    keys.revoke("viewer-key2")
    expect(page.locator("#login")).to_be_visible(timeout=PATIENT_MS)
