"""The processes of the platform: the portal's web server, a worker for its jobs, the clock of the jobs."""

import sys
import time
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from flexplatform.embedded.process import LOOPBACK, ChildProcess
from flexplatform.env import BASE_DIR, VAR_DIR

WEB_SETTINGS = "python:flexplatform.operations.gunicorn"
SECONDS_TO_START = 60.0
SECONDS_TO_FINISH = 2


class PortalServer(ChildProcess):
    """Gunicorn."""

    def __init__(self, host: str, port: int, environment: Mapping[str, str] | None = None) -> None:
        self.host = host
        self.port = port
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        command = [sys.executable, "-m", "gunicorn", "flexplatform.wsgi", "--config", WEB_SETTINGS, "--bind", bind]
        command += ["--log-level", "warning", "--graceful-timeout", str(SECONDS_TO_FINISH)]
        super().__init__(
            "The web server", command, record=VAR_DIR / "run" / "web.json", environment=environment, folder=BASE_DIR
        )
        if host != LOOPBACK:
            self.environment.setdefault("ALLOWED_HOSTS", "*")

    @property
    def address(self) -> str:
        """What to type into a browser."""
        name = "localhost" if self.host in (LOOPBACK, "0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{name}:{self.port}"

    def wait_until_it_answers(self) -> None:
        """Return once the login is shown; workers may still be on their way, which `/healthz` tells.

        Raises:
            RuntimeError: when the server ends, stays silent or shows an error.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        said = ""
        while self.ended() is None and time.monotonic() < deadline:
            status, said = self._answer()
            if status == 200:
                return
            time.sleep(0.1)
        raise RuntimeError(f"The server did not start on {self.address}. {said}".strip())

    def _answer(self) -> tuple[int, str]:
        host = LOOPBACK if self.host in ("0.0.0.0", "") else self.host  # noqa: S104
        connection = HTTPConnection(host, self.port, timeout=5)
        try:
            connection.request("GET", "/login/")
            response = connection.getresponse()
            return response.status, response.read(2000).decode(errors="replace")
        except (OSError, HTTPException):
            return 0, ""
        finally:
            connection.close()


def job_worker(environment: Mapping[str, str], folder: Path = VAR_DIR, name: str = "worker") -> ChildProcess:
    """Return a Celery worker that does one job at a time; what it says goes to a log file in `folder`."""
    options = ["worker", "--concurrency", "1", "--loglevel", "WARNING", "--hostname", f"{name}@%h"]
    return _celery("The worker", name, [*options, "--without-gossip", "--without-mingle"], environment, folder)


def job_clock(environment: Mapping[str, str], folder: Path = VAR_DIR) -> ChildProcess:
    """Return the Celery beat whose tick brings lost jobs back."""
    options = ["beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule", str(folder / "celerybeat-schedule")]
    return _celery("The clock", "clock", options, environment, folder)


def mqtt_bridge(
    environment: Mapping[str, str], access: tuple[Path, Path] | None, folder: Path = VAR_DIR
) -> ChildProcess:
    """Return the bridge from the MQTT broker; `access` is where the broker reads who may enter, and its process id."""
    log = folder / "log" / "mqtt_bridge.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    files = ["--access-folder", str(access[0]), "--broker-pid-file", str(access[1])] if access else []
    return ChildProcess(
        "The MQTT bridge",
        [sys.executable, str(BASE_DIR / "manage.py"), "mqtt_bridge", *files],
        record=folder / "run" / "mqtt_bridge.json",
        environment={"LOG_LEVEL": "INFO", **environment},
        folder=BASE_DIR,
        log=log,
        polite=True,
    )


def simulated_devices(
    environment: Mapping[str, str], organizations: Iterable[str], login: str, folder: Path = VAR_DIR
) -> ChildProcess:
    """Return the devices of the demo's organizations; `login` is their user where the broker knows no own ones."""
    options = ["--login", login] if login else []
    return _simulation("The simulated devices", "simulate_devices", organizations, options, environment, folder)


def simulated_market(
    environment: Mapping[str, str], organizations: Iterable[str], folder: Path = VAR_DIR
) -> ChildProcess:
    """Return the buyer who orders what the demo's organizations offer."""
    options = ["--every", "60"]
    return _simulation("The simulated market", "simulate_market", organizations, options, environment, folder)


def _simulation(
    name: str,
    command: str,
    organizations: Iterable[str],
    options: list[str],
    environment: Mapping[str, str],
    folder: Path,
) -> ChildProcess:
    log = folder / "log" / f"{command}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    whose = [word for slug in organizations for word in ("--organization", slug)]
    return ChildProcess(
        name,
        [sys.executable, str(BASE_DIR / "manage.py"), command, *whose, *options],
        record=folder / "run" / f"{command}.json",
        environment={"LOG_LEVEL": "INFO", **environment},
        folder=BASE_DIR,
        log=log,
        polite=True,
    )


def _celery(
    name: str, file_name: str, options: list[str], environment: Mapping[str, str], folder: Path
) -> ChildProcess:
    log = folder / "log" / f"{file_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return ChildProcess(
        name,
        [sys.executable, "-m", "celery", "--quiet", "--app", "flexplatform.celery", *options],
        record=folder / "run" / f"{file_name}.json",
        environment=environment,
        folder=BASE_DIR,
        log=log,
        polite=True,
    )
