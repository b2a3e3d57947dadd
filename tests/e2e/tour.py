"""Takes the pictures of the guided tour from a new demo: `uv run python -m tests.e2e.tour`; minutes, not seconds."""

import io
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexplatform.settings")

import django

django.setup()

from PIL import Image  # noqa: E402
from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

from flexplatform.env import BASE_DIR  # noqa: E402
from tests.e2e.browser import launch, watched  # noqa: E402
from tests.e2e.chromium import find_chromium  # noqa: E402
from tests.e2e.portal import Portal, running_portal, sign_in  # noqa: E402

IMAGES = BASE_DIR / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
COLOURS = 200
MINUTES_TO_PLAN = 15
MOST_LOOKS = 30


@dataclass(frozen=True)
class Stop:
    """A picture: its name, where it is taken, and what is done there before."""

    name: str
    path: str
    act: Callable[[Page], None] = lambda _page: None


def choose_a_site(page: Page) -> None:
    """Choose the colony on the map."""
    page.get_by_role("button", name="Residential colony Garching").click()
    expect(page.locator("#map-side").get_by_role("heading").first).to_be_visible()


def open_newest_run(page: Page) -> None:
    """Go from the list to the newest run."""
    page.locator("main table a").first.click()


def compare_two_batteries(page: Page) -> None:
    """Solve a named scenario with its battery and with twice the battery, and compare."""
    page.get_by_label("Or a named scenario").select_option("residential_house")
    page.get_by_role("button", name="Check and keep it").click()
    solve(page, "As given")
    page.get_by_role("link", name="Change a number").click()
    group = page.locator("details.fp-numbers", has_text="Battery").first
    group.locator("summary").click()
    capacity = group.locator("input").first
    capacity.fill(str(2 * float(capacity.input_value())))
    solve(page, "Twice the battery")
    page.get_by_role("button", name="Compare").click()


def solve(page: Page, label: str) -> None:
    """Solve what the form says, and wait for the result."""
    page.locator("#id_label").fill(label)
    page.get_by_role("button", name="Solve with these numbers").click()
    page.get_by_role("link", name="Download everything").wait_for()


STOPS = (
    Stop("overview", "/o/demo/"),
    Stop("map", "/o/demo/map/", choose_a_site),
    Stop("site", "/o/demo/sites/residential-house/"),
    Stop("run", "/o/demo/portfolio-runs/", open_newest_run),
    Stop("scenario", "/o/demo/scenarios/new/", compare_two_batteries),
    Stop("offers", "/o/demo/offers/"),
    Stop("telemetry", "/o/demo/telemetry/"),
    Stop("organizations", "/"),
)


def wait_for_devices(page: Page, portal: Portal) -> None:
    """Return once the simulated devices are there, or not after a while: then the pictures show that they are not."""
    for _ in range(MOST_LOOKS):
        page.goto(portal("/o/demo/"))
        if not page.get_by_text(re.compile("devices are offline|channels are stale")).count():
            return
        page.wait_for_timeout(2000)


def take(page: Page, portal: Portal, stop: Stop) -> Path:
    """Go there, wait until all is drawn, and store the picture with few colours."""
    page.goto(portal(stop.path))
    stop.act(page)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = IMAGES / f"{stop.name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main() -> None:
    """Take all pictures, or those that are named."""
    program = find_chromium()
    if program is None:
        sys.exit("The tour needs Chromium, and there is none on the PATH.")
    wanted = [stop for stop in STOPS if not sys.argv[1:] or stop.name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder, running_portal(Path(folder)) as portal, sync_playwright() as driver:
        portal.wait_for_workers(60 * MINUTES_TO_PLAN)
        with watched(launch(driver, program), viewport=SIZE) as (page, _):
            page.set_default_timeout(120_000)
            sign_in(page, portal)
            wait_for_devices(page, portal)
            for stop in wanted:
                path = take(page, portal, stop)
                sys.stdout.write(f"{path.relative_to(BASE_DIR)} {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main()
