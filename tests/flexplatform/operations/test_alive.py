"""What a container's health check finds out without Django."""

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flexplatform.operations import alive


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "VAR_DIR", tmp_path)


def code(name: str) -> object:
    with pytest.raises(SystemExit) as ended:
        alive.main(name)
    return ended.value.code


def test_a_process_that_did_something_lately_is_alive(tmp_path: Path) -> None:
    assert code(alive.WORKER) == "worker: nothing done since the start"
    alive.note(alive.WORKER)
    assert code(alive.WORKER) is None
    assert code(alive.CLOCK) == "clock: nothing done since the start"
    (noted,) = (tmp_path / "run").iterdir()
    old = time.time() - alive.SECONDS - 1
    os.utime(noted, (old, old))
    assert "worker: nothing done for 61 s" in str(code(alive.WORKER))


def test_a_full_disk_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where a folder should be")
    alive.note(alive.BRIDGE)
    assert code(alive.BRIDGE) == "bridge: nothing done since the start"


class Answer(BaseHTTPRequestHandler):
    hosts: list[str] = []
    body: object = {}

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(503)
        self.end_headers()
        self.wfile.write(json.dumps(self.body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answer]]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PORT", str(server.server_port))
        yield Answer
        server.shutdown()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"checks": {"database": "ok", "jobs": "no worker was ever seen"}}, None),
        ({"checks": {"database": "does not answer"}}, "web: database does not answer"),
        ({}, "web: no answer ('checks')"),
    ],
)
def test_the_web_server_answers_for_itself_and_its_database(
    web: type[Answer], monkeypatch: pytest.MonkeyPatch, body: object, said: str | None
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", ".example.org,other.org")
    web.body = body
    assert code(alive.WEB) == said
    assert web.hosts[-1] == "example.org"


def test_a_web_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    assert "web: no answer" in str(code(alive.WEB))
