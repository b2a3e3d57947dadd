"""Every test that touches the database once more, on a PostgreSQL that this test starts itself."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from flexplatform.embedded.postgres import running_postgres
from flexplatform.env import BASE_DIR

FEWEST = 100


@pytest.mark.timeout(900)
def test_every_database_test_passes_on_postgresql(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "--only-database", "-n0", "-p", "no:cacheprovider", "--tb=short"]
    with running_postgres() as server:
        environment = {**os.environ, "DATABASE_URL": server.url(), "VAR_DIR": str(tmp_path / "var")}
        for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
            del environment[name]
        done = subprocess.run(
            [*command, f"--junitxml={report}"],
            cwd=BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        version = server.version
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314
    assert suite is not None
    tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    assert skipped == 0, done.stdout[-20000:]
    assert tests >= FEWEST
    record_property(
        "summary", f"{tests} database tests passed on PostgreSQL {version} too, in {suite.attrib['time']} s"
    )
