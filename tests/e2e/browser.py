"""The machine's Chromium, driven by Playwright; a page that goes wrong in any way says so at the end of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    ViewportSize,
    expect,
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAPTOP: ViewportSize = {"width": 1366, "height": 860}
SECONDS = 20
REPORTS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP: ${event.violatedDirective} blocks ${event.blockedURI} on ${location.href}`))"""


def launch(playwright: Playwright, program: str) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=program, args=FLAGS)


class Problems:
    """What went wrong in the pages of a context: console, scripts, requests, answers, content security policy."""

    def __init__(self, context: BrowserContext) -> None:
        self.found: list[str] = []
        self.expected_statuses: set[int] = set()
        context.add_init_script(REPORTS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"page error: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def expect(self, *statuses: int) -> None:
        """Take answers with these statuses for right."""
        self.expected_statuses |= set(statuses)

    def _console(self, message: ConsoleMessage) -> None:
        # What the network says is judged by the answer itself.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.found.append(f"console of {message.page.url if message.page else 'a page'}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A page that is left, and a download, abort what is on its way.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"request of {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected_statuses:
            self.found.append(f"answer of {response.url}: {response.status}")


@contextmanager
def watched(browser: Browser, state: Path | None = None, **options: object) -> Iterator[tuple[Page, Problems]]:
    """Yield a page of a new context, and fail when anything went wrong in it; `state` are the cookies of somebody."""
    # Colours that are on their way to others would be judged as they are at the moment.
    still = {"reduced_motion": "reduce", "timezone_id": "Europe/Berlin"}
    settings = {"viewport": LAPTOP, "storage_state": state, **still, **options}
    context = browser.new_context(**settings)  # type: ignore[arg-type]
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    problems = Problems(context)
    try:
        yield context.new_page(), problems
    finally:
        context.close()
    assert not problems.found, "\n".join(problems.found)
