"""The portal's web server as a child process that never outlives its parent's care."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

from flexplatform.env import BASE_DIR

LOOPBACK = "127.0.0.1"
WORKERS = 2
THREADS = 4
SECONDS_TO_START = 30.0
SECONDS_TO_END = 10.0


class PortalServer:
    """Gunicorn in a process group of its own; leaving the context ends the whole group."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What to type into a browser."""
        name = "localhost" if self.host in (LOOPBACK, "0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{name}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """Start the server."""
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        command = [sys.executable, "-m", "gunicorn", "flexplatform.wsgi", "--bind", bind, "--log-level", "warning"]
        command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--no-control-socket"]
        environment = dict(os.environ)
        if self.host != LOOPBACK:
            environment.setdefault("ALLOWED_HOSTS", "*")
        self._process = subprocess.Popen(  # noqa: S603
            command, cwd=BASE_DIR, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        # Workers may outlive a master that was killed, so the group gets the last word in any case.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def wait(self) -> int:
        """Wait until the server ends by itself; return its exit code."""
        return self._running.wait()

    def wait_until_it_answers(self) -> None:
        """Return once `/healthz` answers.

        Raises:
            RuntimeError: when the server ends or stays silent.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while self._running.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.1)
        raise RuntimeError(f"The server did not start on {self.address}.")

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("The server was not started.")
        return self._process

    def _answers(self) -> bool:
        host = LOOPBACK if self.host in ("0.0.0.0", "") else self.host  # noqa: S104
        connection = HTTPConnection(host, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._running.pid, number)
