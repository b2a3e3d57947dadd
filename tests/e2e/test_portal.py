"""The portal in a browser, against a real server and a real worker: what people do, and what they see."""

import re
import zipfile
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Download, Page, expect

from optimization.scenarios.samples import FOLDER
from tests.e2e.accessibility import violations
from tests.e2e.browser import Problems, watched
from tests.e2e.chromium import MISSING, find_chromium
from tests.e2e.portal import Portal, sign_in
from tests.e2e.walk import WITHOUT_LINK, page_names, walk

if find_chromium() is None:
    pytest.skip(MISSING, allow_module_level=True)

pytestmark = pytest.mark.timeout(150)


def stays(page: Page) -> None:
    """Mark the page, so that `stayed` tells whether it was loaded again."""
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def names_in(download: Download) -> list[str]:
    with zipfile.ZipFile(download.path()) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_a_person_signs_in(browser: Browser, portal: Portal) -> None:
    with watched(browser) as (page, _):
        page.goto(portal("/o/demo/jobs/"))
        assert not violations(page)
        page.get_by_label("E-mail address").fill("demo@example.com")
        page.get_by_label("Password").fill("wrong")
        page.locator("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert").first).to_be_visible()
        expect(page.get_by_label("E-mail address")).to_have_value("demo@example.com")
        page.get_by_label("Password").fill("flexible-demo")
        page.locator("main").get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(portal("/o/demo/jobs/"))


def test_a_site_is_planned_and_the_page_follows(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/plan/?site=bat"))
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    stays(page)
    result = page.get_by_role("link", name="Show the result")
    result.wait_for()
    assert stayed(page)
    assert page.locator("main [hx-trigger]").count() == 0
    result.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Battery house Dachau")


def test_a_portfolio_is_planned_and_the_page_follows(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/plan/"))
    page.get_by_label("Gap that is good enough (%)").fill("0.05")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/portfolio-runs/\d+/"))
    stays(page)
    expect(page.get_by_role("status").first).to_contain_text("Done")
    assert stayed(page)
    for name in ("Battery house Dachau", "PV house Pasing", "Simple house Germering"):
        expect(page.locator("main").get_by_role("link", name=name)).to_be_visible()


def test_a_run_is_cancelled_and_deleted_after_a_question(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/scenarios/new/"))
    page.get_by_label("Or a named scenario").select_option("apartment")
    page.get_by_role("button", name="Check and keep it").click()
    page.get_by_label("Gap that is good enough (%)").fill("0")
    page.get_by_role("button", name="Solve with these numbers").click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
    status, cancel = page.locator("main p[role=status]"), page.get_by_role("button", name="Cancel", exact=True)
    expect(status).to_contain_text("Running")
    cancel.click()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    cancel.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    expect(status).to_contain_text("Cancelled")
    page.goto(portal("/o/demo/scenarios/"))
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No scenarios yet")).to_be_visible()


def test_the_lab_from_a_broken_file_to_a_comparison(
    page: Page, problems: Problems, portal: Portal, tmp_path: Path
) -> None:
    problems.expect(422)
    good = FOLDER / "summer_day.csv"
    broken = tmp_path / "broken.csv"
    broken.write_text(good.read_text().replace("bat;stocap;8.0", "bat;stocap;eight", 1))
    page.goto(portal("/o/demo/scenarios/new/"))
    page.locator("input[type=file]").set_input_files(broken)
    page.get_by_role("button", name="Check and keep it").click()
    expect(page.get_by_role("heading", name="broken.csv cannot be used")).to_be_visible()
    expect(page.locator("main td", has_text="eight").first).to_be_visible()

    page.locator("input[type=file]").set_input_files(good)
    page.get_by_label("Name", exact=True).fill("A house")
    page.get_by_role("button", name="Check and keep it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A house")
    first = solve(page)
    page.get_by_role("link", name="Change a number").click()
    group = page.locator("details.fp-numbers", has_text="Battery").first
    group.locator("summary").click()
    group.locator("input").first.fill("16")
    assert solve(page) != first
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert "schedule.csv" in {Path(name).name for name in names_in(download.value)}
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Changed numbers")).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()


def solve(page: Page) -> str:
    """Solve what the form says, not too exactly, watch it end, and return the address of the run."""
    page.get_by_label("Gap that is good enough (%)").fill("5")
    page.get_by_role("button", name="Solve with these numbers").click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
    page.get_by_role("link", name="Download everything").wait_for()
    expect(page.locator("canvas").first).to_be_visible()
    return page.url


@pytest.mark.parametrize("market", ["COMAX", "ALF"])
def test_the_board_is_exported(page: Page, portal: Portal, market: str) -> None:
    page.goto(portal("/o/demo/offers/"))
    page.get_by_role("combobox", name="Market").select_option(label=market)
    page.get_by_role("button", name="Filter").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {market}").click()
    assert names_in(download.value)


def test_theme_and_language_are_kept(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/"))
    root, theme = page.locator("html"), page.get_by_role("button", name="Light, dark or as the system")
    theme.click()
    theme.click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="DE", exact=True).click()
    expect(root).to_have_attribute("lang", "de")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.goto(portal("/o/demo/jobs/"))
    expect(root).to_have_attribute("lang", "de")


def test_another_organization_is_another_world(
    browser: Browser, page: Page, problems: Problems, portal: Portal
) -> None:
    page.goto(portal("/o/demo/"))
    page.get_by_role("link", name="Demo energy community").click()
    page.get_by_role("link", name="Harbour quarter Hamburg").click()
    expect(page).to_have_url(portal("/o/harbour/"))
    expect(page.locator("main")).to_contain_text("Terraced house Wilhelmsburg")
    expect(page.locator("main")).not_to_contain_text("Battery house Dachau")
    problems.expect(404)
    assert goes_to(page, portal("/o/harbour/sites/bat/")) == 404

    with watched(browser) as (other, found):
        sign_in(other, portal, "harbour@example.com")
        expect(other).to_have_url(portal("/o/harbour/"))
        found.expect(404)
        for path in ("", "map/", "jobs/1/", "sites/bat/", "runs/1/schedule.csv", "portfolio-runs/1/", "members/"):
            assert goes_to(other, portal(f"/o/demo/{path}")) == 404, path
            assert "Dachau" not in other.content()


def goes_to(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer
    return answer.status


def test_the_map_is_filtered_and_leads_to_a_site(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/map/"))
    count = page.locator("[data-map-count]")
    expect(count).to_have_text("3 of 3 sites")
    page.get_by_label("Device kind").select_option("pv")
    expect(count).to_have_text("2 of 3 sites")
    page.get_by_label("Name of the site").fill("Pasing")
    expect(count).to_have_text("1 of 3 sites")
    page.locator(".fp-site").click()
    side = page.locator("#map-side")
    expect(side.get_by_role("heading", name="PV house Pasing")).to_be_visible()
    side.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/o/demo/sites/pv/"))


def test_a_session_that_ends_leads_to_the_login(page: Page, portal: Portal) -> None:
    page.goto(portal("/o/demo/jobs/"))
    page.context.clear_cookies(name="sessionid")
    page.evaluate("() => { htmx.ajax('GET', location.pathname, {target: 'main'}) }")
    expect(page).to_have_url(re.compile(r"/login/\?next=%2Fo%2Fdemo%2Fjobs%2F"))
    sign_in_here(page)
    expect(page).to_have_url(portal("/o/demo/jobs/"))


def sign_in_here(page: Page) -> None:
    page.get_by_label("E-mail address").fill("demo@example.com")
    page.get_by_label("Password").fill("flexible-demo")
    page.locator("main").get_by_role("button", name="Sign in").click()


def test_every_page_is_reached_by_links_and_good_for_everybody(page: Page, portal: Portal) -> None:
    found, seen = [], set()
    for name in walk(page, portal, ["/o/demo/", "/", *map(reverse, WITHOUT_LINK)]):
        seen.add(name)
        found += violations(page)
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        found += violations(page, "color-contrast")
    assert not found, "\n".join(found)
    assert seen == page_names()
