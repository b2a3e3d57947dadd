"""One active bridge; others wait and take over."""

import fcntl
from contextlib import suppress
from typing import Any, Protocol

import psycopg
from django.db import connections, router

from flexplatform.env import VAR_DIR
from telemetry.models import Reading

KEY = 0x6D717474


class Lock(Protocol):
    """Held by one process at a time, and free as soon as that one is gone."""

    def acquire(self) -> bool:
        """Return whether this process holds it now."""

    def held(self) -> bool:
        """Return whether it is held still."""

    def release(self) -> None:
        """Give it to others."""


class FileLock:
    """A lock on a file of this machine."""

    def __init__(self) -> None:
        path = VAR_DIR / "run" / "mqtt_bridge.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")

    def acquire(self) -> bool:
        """Return whether this process holds it now."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def held(self) -> bool:
        """Return True: only the end of the process takes it away."""
        return True

    def release(self) -> None:
        """Give it to others."""
        fcntl.flock(self._file, fcntl.LOCK_UN)


class AdvisoryLock:
    """A lock of the database, held by a connection of its own."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
        self._connection: psycopg.Connection[Any] | None = None

    def acquire(self) -> bool:
        """Return whether this process holds it now; False also while the database is away."""
        self.release()
        try:
            self._connection = psycopg.connect(**self._parameters, autocommit=True, connect_timeout=5)
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [KEY]).fetchone()
        except psycopg.OperationalError:
            row = None
        if row is not None and row[0]:
            return True
        self.release()
        return False

    def held(self) -> bool:
        """Return whether the connection is there, and the lock with it."""
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def release(self) -> None:
        """Give it to others."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def bridge_lock() -> Lock:
    """Return the lock that fits the database."""
    connection: Any = connections[router.db_for_write(Reading)]
    if connection.vendor != "postgresql":
        return FileLock()
    names = ("dbname", "user", "password", "host", "port", "sslmode", "service")
    parameters = connection.get_connection_params()
    return AdvisoryLock({name: parameters[name] for name in names if parameters.get(name)})
