"""`manage.py up` as a person runs it: a real process, a real port, a real signal."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from flexplatform.demo import EMAIL, PASSWORD
from flexplatform.env import BASE_DIR

SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """The command, its output, and every process of it."""

    def __init__(self, port: int, var: Path, *options: str) -> None:
        self.output = var / "output.txt"
        environment = {**os.environ, "VAR_DIR": str(var), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        environment.pop("DATABASE_URL", None)
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port), *options],
                cwd=BASE_DIR,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def children(self) -> list[int]:
        """Return the processes that the command started, and theirs."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(stat.parent.name)] = int(after_name[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found - {self.process.pid})


@pytest.fixture
def started() -> Iterator[list[Up]]:
    runs: list[Up] = []
    yield runs
    for run in runs:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
            run.process.wait(30)


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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="lists processes by /proc")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_the_portal_and_leaves_nothing_behind(
    tmp_path: Path, started: list[Up], stop: signal.Signals
) -> None:
    port = free_port()
    run = Up(port, tmp_path, "--demo", "bat")
    started.append(run)
    run.wait_for("Ctrl-C")
    assert EMAIL in run.output.read_text()
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    overview = sign_in(opener, f"http://localhost:{port}")
    assert "Battery house Dachau" in overview
    children = run.children()
    assert len(children) >= 2

    run.process.send_signal(stop)
    assert run.process.wait(30) == 0
    assert not [pid for pid in children if is_running(pid)]


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
