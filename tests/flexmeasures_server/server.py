"""A real FlexMeasures in an environment of its own, outside of the repository: web server, worker, database, Valkey."""

import os
import secrets
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from flexplatform.embedded.postgres import Postgres
from flexplatform.embedded.process import LOOPBACK, ChildProcess, free_port
from flexplatform.embedded.valkey import Valkey

VERSION = "1.0.1"
# Without the two pins it does not start, or half of its pages answer 500.
PACKAGES = (f"flexmeasures=={VERSION}", "flask-security-too==5.8.1", "sqlalchemy<2.1", "gunicorn")
PYTHONS = ("3.12", "3.11", "3.10")
EMAIL, PASSWORD = "flexplatform@example.com", "a-password-of-a-trial"
SECONDS_TO_START = 180.0
CONFIGURATION = """
SECRET_KEY = {secret!r}
SECURITY_TOTP_SECRETS = {{"1": {secret!r}}}
SQLALCHEMY_DATABASE_URI = {database!r}
FLEXMEASURES_REDIS_URL = {redis_host!r}
FLEXMEASURES_REDIS_PORT = {redis_port}
FLEXMEASURES_REDIS_PASSWORD = {redis_password!r}
FLEXMEASURES_TIMEZONE = "Europe/Berlin"
FLEXMEASURES_MODE = ""
MAIL_SUPPRESS_SEND = True
SECURITY_TWO_FACTOR_REQUIRED = False
"""
# One process for all of it, as each costs many seconds to start.
PREPARE = """
import sys
from flexmeasures.app import create
app = create()
with app.app_context():
    from flask_migrate import upgrade
    upgrade()
    from flexmeasures.data import db
    from flexmeasures.data.models.user import Account
    from flexmeasures.data.scripts.data_gen import add_default_account_roles, add_default_asset_types
    from flexmeasures.data.scripts.data_gen import add_default_data_sources, add_default_user_roles
    from flexmeasures.data.services.users import create_user
    add_default_data_sources(db)
    add_default_user_roles(db)
    add_default_account_roles(db)
    add_default_asset_types(db)
    db.session.commit()
    db.session.add(Account(name="FlexPlatform"))
    db.session.commit()
    create_user(username="flexplatform", email=sys.argv[1], password=sys.argv[2], account_name="FlexPlatform",
                user_roles=["account-admin"], check_email_deliverability=False)
    db.session.commit()
"""


def install(folder: Path) -> Path:
    """Return the Python of an environment with FlexMeasures, made by uv where it is not there yet.

    Raises:
        RuntimeError: with what uv said, where it cannot be made.
    """
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _make_environment(folder)
        _uv("pip", "install", "--python", str(python), *PACKAGES)
        (folder / "installed").touch()
    return python


def _make_environment(folder: Path) -> None:
    said = ""
    for version in PYTHONS:
        try:
            _uv("venv", "--clear", "--python", version, str(folder))
        except RuntimeError as error:
            said = str(error)
        else:
            return
    raise RuntimeError(f"FlexMeasures needs Python {' or '.join(PYTHONS)}. {said}")


def _uv(*words: str) -> None:
    done = subprocess.run(["uv", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(words)}: {done.stderr.strip()[-2000:]}")


class FlexMeasures:
    """The server and its worker; each may be stopped and started again."""

    def __init__(self, folder: Path, python: Path, postgres: Postgres, valkey: Valkey) -> None:
        self.folder, self.python, self.port = folder, python, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, "HOME": str(folder), "FLASK_APP": "flexmeasures.app:create"}
        for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH"):
            self.environment.pop(name, None)
        redis = urlsplit(valkey.url)
        configuration = CONFIGURATION.format(
            secret=secrets.token_urlsafe(32),
            database=postgres.url("flexmeasures").replace("postgres://", "postgresql+psycopg2://"),
            redis_host=redis.hostname,
            redis_port=redis.port,
            redis_password=redis.password,
        )
        (folder / ".flexmeasures.cfg").write_text(configuration)
        bind = f"{LOOPBACK}:{self.port}"
        self.web = self._process("web", "gunicorn", "-b", bind, "-t", "120", "flexmeasures.app:create()")
        self.worker = self._process("worker", "flexmeasures", "jobs", "run-worker", "--queue", "ingestion")

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Make the tables, an account, and a user of it.

        Raises:
            RuntimeError: with what it said.
        """
        command = [str(self.python), "-c", PREPARE, EMAIL, PASSWORD]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"FlexMeasures could not be prepared. {(done.stdout + done.stderr)[-3000:]}")

    def start(self) -> None:
        """Start the web server and wait until it is ready."""
        self.web.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self.web.ended() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/api/v3_0/health/ready", timeout=30).is_success:
                    return
            time.sleep(0.5)
        raise RuntimeError(f"FlexMeasures did not start. {self.log_of('web')}")

    def start_worker(self) -> None:
        """Start the worker of the queue of posted values, and wait until it listens."""
        self.worker.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while "Scheduler for ingestion started" not in self.log_of("worker"):
            if time.monotonic() > deadline or self.worker.ended() is not None:
                raise RuntimeError(f"FlexMeasures' worker did not start. {self.log_of('worker')}")
            time.sleep(0.5)

    def log_of(self, name: str) -> str:
        """Return the end of what the web server or the worker said."""
        path = self.folder / f"{name}-output.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def signed_in(self) -> httpx.Client:
        """Return a client of its API, with which tests look at what is there without any of our own code."""
        client = httpx.Client(base_url=self.url, timeout=60)
        answer = client.post("/api/requestAuthToken", json={"email": EMAIL, "password": PASSWORD})
        client.headers["Authorization"] = answer.raise_for_status().json()["auth_token"]
        return client

    def stop(self) -> None:
        """End both programs."""
        self.worker.stop()
        self.web.stop()

    def _process(self, name: str, program: str, *words: str) -> ChildProcess:
        return ChildProcess(
            f"FlexMeasures' {name}",
            [str(self.python.with_name(program)), *words],
            environment=self.environment,
            folder=self.folder,
            log=self.folder / f"{name}-output.log",
        )
