"""The backup of an embedded database while it is written, as docs/deployment.md says."""

import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from flexplatform.env import SQLITE_OPTIONS
from tests.conftest import People
from tests.deploy.backups import in_docs

pytestmark = pytest.mark.one_database

EVENTS = "SELECT count(*) FROM accounts_auditevent"
EVENT = (
    "INSERT INTO accounts_auditevent (at, actor_label, door, action, object_type, object_id, object_label)"
    " VALUES ('2026-11-21', 'tests', 'command', 'test', '', '', '')"
)


@pytest.fixture
def live(people: People, tmp_path: Path) -> Path:
    """Return the file of a database like that of the tests, as `up` has it."""
    path = tmp_path / "var" / "db.sqlite3"
    path.parent.mkdir()
    path.write_bytes(connection.connection.serialize())
    with closing(sqlite3.connect(path)) as file:
        for pragma in SQLITE_OPTIONS["init_command"].split(";"):
            file.execute(pragma)
    return path


def test_a_backup_holds_what_was_committed_and_the_triggers_of_the_audit(live: Path, tmp_path: Path) -> None:
    (command,) = in_docs("## Without containers")
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "python"]
    with closing(sqlite3.connect(live)) as writer:
        writer.execute(EVENT)
        writer.commit()
        (committed,) = writer.execute(EVENTS).fetchone()
        writer.execute(EVENT)
        subprocess.run([sys.executable, *words[3:]], cwd=tmp_path, check=True, timeout=60)
        writer.rollback()
    with closing(sqlite3.connect(tmp_path / "flexplatform.sqlite3")) as copy:
        assert copy.execute(EVENTS).fetchone() == (committed,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM accounts_organization").fetchone() == (2,)
        for change in ("UPDATE accounts_auditevent SET action = 'x'", "DELETE FROM accounts_auditevent"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                copy.execute(change)
