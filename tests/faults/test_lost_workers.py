"""Real processes: Valkey, Celery workers and their clock, a database of its own; and a worker that is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flexplatform.embedded.postgres import running_postgres
from flexplatform.embedded.process import ChildProcess
from flexplatform.embedded.valkey import running_valkey
from flexplatform.env import BASE_DIR
from flexplatform.server import job_clock, job_worker

pytestmark = pytest.mark.timeout(120)

SECONDS = 45
SOLVES_FOR = {"gap": 0.0, "time_limit": 3.0}
TIMES = {
    "JOBS_HEARTBEAT_SECONDS": "0.5",
    "JOBS_STALE_SECONDS": "2.5",
    "JOBS_RESEND_SECONDS": "4",
    "JOBS_RECONCILE_SECONDS": "1",
}


class Platform:
    """A database, a broker and a clock; workers come and go."""

    def __init__(self, folder: Path, database: str, running: ExitStack) -> None:
        self.folder, self.running = folder, running
        broker = running.enter_context(running_valkey(folder / "valkey"))
        self.environment = {
            **TIMES,
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker.url,
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "flexplatform.settings",
            "PYTHONPATH": str(BASE_DIR),
        }
        self.driver = running.enter_context(
            subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("driver.py"))],
                cwd=BASE_DIR,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        running.callback(self.driver.kill)

    def __call__(self, command: str, **arguments: Any) -> Any:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps([command, arguments]) + "\n")
        self.driver.stdin.flush()
        line = self.driver.stdout.readline()
        assert line, f"{command} failed"
        return json.loads(line)

    def start(self, child: ChildProcess) -> ChildProcess:
        self.running.enter_context(child).start()
        return child

    def worker(self, name: str) -> ChildProcess:
        child = job_worker(self.environment, self.folder, name)
        child.polite = False
        return self.start(child)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                logs = "".join(path.read_text()[-3000:] for path in (self.folder / "log").glob("*.log"))
                raise AssertionError(f"{self('look', organization='a')} {self('look', organization='b')} {logs}")
            time.sleep(0.1)

    def job(self, organization: str) -> dict[str, Any]:
        (job,) = self("look", organization=organization)["jobs"]
        return dict(job)


@pytest.fixture
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    with ExitStack() as running:
        database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        if request.param == "postgresql":
            database = running.enter_context(running_postgres()).url()
        platform = Platform(tmp_path, database, running)
        platform("prepare", organizations=["a", "b"], scenario="apartment")
        platform.start(job_clock(platform.environment, tmp_path))
        yield platform


def is_whole(rows: dict[str, Any]) -> bool:
    return rows["runs"] == 1 and rows["series"] > 0 and rows["offers"] == rows["offered_devices"] > 0


def group_of(worker: ChildProcess) -> int:
    return os.getpgid(worker.process.pid)


@pytest.mark.parametrize("platform", ["sqlite"], indirect=True)
def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(platform: Platform) -> None:
    doomed = platform.worker("doomed")
    platform("request", organization="a", idempotency_key="k", **SOLVES_FOR)
    platform("request", organization="a", idempotency_key="k", **SOLVES_FOR)
    platform("request", organization="b", **SOLVES_FOR)
    platform.wait_for(lambda: platform.job("a")["progress"] > 0)
    os.killpg(group_of(doomed), signal.SIGKILL)
    assert platform.job("a")["status"] == "running"
    assert not platform("look", organization="a")["runs"]

    platform.worker("second")
    platform.wait_for(lambda: all(platform.job(name)["status"] == "succeeded" for name in "ab"))
    for name, attempts in (("a", 2), ("b", 1)):
        rows, job = platform("look", organization=name), platform.job(name)
        assert is_whole(rows), rows
        assert (job["attempts"], job["worker"].partition("@")[0]) == (attempts, "second")
    assert {"doomed", "second"} == set(platform("workers"))


@pytest.mark.parametrize("platform", ["postgresql"], indirect=True)
def test_a_frozen_worker_that_wakes_up_overwrites_nothing_and_a_cancelled_run_stores_nothing(
    platform: Platform,
) -> None:
    frozen = platform.worker("frozen")
    platform("request", organization="a", **SOLVES_FOR)
    platform.wait_for(lambda: platform.job("a")["progress"] > 0)
    os.killpg(group_of(frozen), signal.SIGSTOP)
    try:
        platform.worker("second")
        platform.wait_for(lambda: platform.job("a")["worker"].startswith("second"))
    finally:
        os.killpg(group_of(frozen), signal.SIGCONT)
    # The frozen one is ahead and comes to its end first, with a claim that it has lost.
    platform.wait_for(lambda: platform.job("a")["status"] == "succeeded")
    ended = platform("look", organization="a")
    assert is_whole(ended), ended
    assert (ended["jobs"][0]["attempts"], ended["jobs"][0]["worker"].partition("@")[0]) == (2, "second")

    job = platform("request", organization="b", gap=0.0, time_limit=SECONDS)
    platform.wait_for(lambda: platform.job("b")["progress"] > 0)
    platform("stop", organization="b", job=job)
    platform.wait_for(lambda: platform.job("b")["status"] == "cancelled")
    assert platform("look", organization="b")["runs"] == 0
    assert platform("look", organization="a") == ended


@pytest.mark.parametrize("platform", ["postgresql"], indirect=True)
def test_a_portfolio_run_survives_the_loss_of_a_worker_and_lets_a_person_go_first(platform: Platform) -> None:
    sites = 450
    platform("prepare_many", organization="many", count=sites)
    doomed = platform.worker("doomed")
    platform("request_many", organization="many")

    def chunks(status: str) -> int:
        return sum(part["status"] == status for part in platform("look_at_many", organization="many")["parts"])

    platform.wait_for(lambda: chunks("succeeded") >= 1 and chunks("running") == 1)
    os.killpg(group_of(doomed), signal.SIGKILL)
    before = platform("look_at_many", organization="many")
    assert before["status"] == "running"
    assert 0 < before["results"] < sites
    assert before["runs"]

    # Nobody works now: a person asks, with chunks waiting since before.
    platform("request", organization="a", gap=0.01, time_limit=5.0)
    platform.worker("second")
    platform.wait_for(lambda: platform.job("a")["status"] == "succeeded")
    assert platform("look_at_many", organization="many")["status"] == "running"
    platform.worker("third")
    platform.wait_for(lambda: platform("look_at_many", organization="many")["status"] == "succeeded")

    after = platform("look_at_many", organization="many")
    assert after["counted"] == [sites, sites, 0]
    assert after["results"] == after["sites_with_a_run"] == len(after["runs"]) == sites
    assert after["with_offers"] > 0
    # What was stored before the loss is there as it was: no chunk that had ended was solved again.
    assert before["runs"].items() <= after["runs"].items()
    attempts = {part["pk"]: part["attempts"] for part in after["parts"]}
    assert sorted(attempts.values()) == [1] * (len(attempts) - 1) + [2]
    ended = [part["pk"] for part in before["parts"] if part["status"] == "succeeded"]
    assert all(attempts[pk] == 1 for pk in ended)
    assert [part["worker"].partition("@")[0] for part in after["parts"] if part["pk"] in ended] == ["doomed"] * len(
        ended
    )
