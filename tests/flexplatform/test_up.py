"""`manage.py up` as a person runs it: a real process, a real port, a real signal."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from flexplatform.demo import EMAIL, PASSWORD
from flexplatform.embedded.process import free_port
from tests.running import SECONDS, Up


@pytest.fixture
def started() -> Iterator[list[Up]]:
    runs: list[Up] = []
    yield runs
    for run in runs:
        run.stop()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sign_in(opener: OpenerDirector, base: str) -> str:
    page = opener.open(f"{base}/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    request = Request(f"{base}/login/", urlencode(form).encode(), {"Referer": f"{base}/login/"})  # noqa: S310
    return str(opener.open(request).read().decode())


def fetch(opener: OpenerDirector, url: str) -> str:
    return str(opener.open(url).read().decode())


def wait_until_well(opener: OpenerDirector, base: str) -> None:
    """Return once a worker was seen."""
    deadline = time.monotonic() + SECONDS
    while True:
        with suppress(HTTPError):
            assert '"jobs": "ok"' in fetch(opener, f"{base}/healthz")
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def send_form(opener: OpenerDirector, page_url: str, action: str) -> tuple[str, str]:
    """Send the form with this action as the page holds it; return the address and text of the answer."""
    form = fetch(opener, page_url).partition(f'action="{action}"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    base = page_url.partition("/o/")[0]
    answer = opener.open(Request(base + action, urlencode(fields).encode(), {"Referer": page_url}))  # noqa: S310
    return answer.geturl(), answer.read().decode()


def stop_and_expect_nothing_left(run: Up, number: signal.Signals) -> None:
    children = run.children()
    assert len(children) >= 2
    run.process.send_signal(number)
    assert run.process.wait(30) == 0
    assert not [pid for pid in children if is_running(pid)]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="lists processes by /proc")


@needs_proc
def test_up_serves_the_portal_works_on_jobs_and_leaves_nothing_behind(tmp_path: Path, started: list[Up]) -> None:
    port = free_port()
    run = Up(port, tmp_path, "--demo", "bat")
    started.append(run)
    run.wait_for("Ctrl-C")
    assert EMAIL in run.output.read_text()
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    base = f"http://localhost:{port}"
    assert "Harbour quarter Hamburg" in sign_in(opener, base)
    assert "Battery house Dachau" in fetch(opener, f"{base}/o/demo/")
    wait_until_well(opener, base)

    job, page = send_form(opener, f"{base}/o/demo/sites/bat/", "/o/demo/sites/bat/plan/")
    deadline = time.monotonic() + SECONDS
    while "Show the result" not in page:
        assert time.monotonic() < deadline, page
        assert "Failed" not in page, page
        time.sleep(0.2)
        page = fetch(opener, job)
    result = re.search(r'href="([^"]+)">Show the result', page)
    assert result
    assert "Download COMAX" in fetch(opener, base + result[1])

    second = Up(free_port(), tmp_path, "--no-demo", output="second.txt")
    assert second.process.wait(60) == 1
    assert "is up already" in second.output.read_text()
    stop_and_expect_nothing_left(run, signal.SIGINT)


@needs_proc
def test_up_without_a_worker_is_well_too(tmp_path: Path, started: list[Up]) -> None:
    port = free_port()
    run = Up(port, tmp_path, "--no-demo", "--no-worker")
    started.append(run)
    run.wait_for("Ctrl-C")
    assert '"jobs": "ok"' in fetch(build_opener(), f"http://localhost:{port}/healthz")
    assert not (tmp_path / "valkey").exists()
    stop_and_expect_nothing_left(run, signal.SIGTERM)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = Up(port, tmp_path)
        assert run.process.wait(60) == 1
    lines = run.output.read_text().strip().splitlines()
    assert len(lines) == 1
    assert f"port {port}: Address already in use" in lines[0]
