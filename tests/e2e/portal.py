"""A portal to look at: the real one, made by `up` with the demo, until its workers have nothing left to do."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from flexplatform.demo import EMAIL, PASSWORD
from flexplatform.embedded.process import free_port
from tests.running import SECONDS, Up

UNFINISHED = "SELECT count(*) FROM jobs_job WHERE status IN ('queued', 'running')"


class Portal:
    """A running `up`, by its address and its folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.address = f"http://localhost:{port}"

    def __call__(self, path: str) -> str:
        """Return the address of a page."""
        return f"{self.address}{path}"

    def wait_for_workers(self, seconds: float = SECONDS) -> None:
        """Return once no job waits or runs."""
        deadline = time.monotonic() + seconds
        while self._unfinished():
            assert time.monotonic() < deadline, f"{self._unfinished()} jobs do not end"
            time.sleep(0.2)

    def _unfinished(self) -> int:
        with closing(sqlite3.connect(f"file:{self.folder / 'db.sqlite3'}?mode=ro", uri=True)) as database:
            return int(database.execute(UNFINISHED).fetchone()[0])


@contextmanager
def running_portal(folder: Path, *options: str) -> Iterator[Portal]:
    """Run `up` with its data in a folder; its processes end with the context."""
    port = free_port()
    up = Up(port, folder, *options)
    try:
        up.wait_for("Ctrl-C")
        yield Portal(folder, port)
    finally:
        up.stop()


def sign_in(page: Page, portal: Portal, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto(portal("/login/"))
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("/login/"))
