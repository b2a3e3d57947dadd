"""One portal and one browser for all tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browser import Problems, launch, watched
from tests.e2e.chromium import find_chromium
from tests.e2e.portal import Portal, running_portal, sign_in


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with running_portal(tmp_path_factory.mktemp("portal"), "--demo", "bat,simple_house,pv") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    assert program
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cookies of the demo's login, once its plans are made."""
    state = tmp_path_factory.mktemp("browser") / "state.json"
    with watched(browser) as (page, _):
        sign_in(page, portal)
        page.context.storage_state(path=state)
    portal.wait_for_workers()
    return state


@pytest.fixture
def view(browser: Browser, signed_in: Path) -> Iterator[tuple[Page, Problems]]:
    with watched(browser, signed_in) as found:
        yield found


@pytest.fixture
def page(view: tuple[Page, Problems]) -> Page:
    return view[0]


@pytest.fixture
def problems(view: tuple[Page, Problems]) -> Problems:
    return view[1]
