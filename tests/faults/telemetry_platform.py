"""A platform of real processes for readings: a database, an MQTT broker, bridges that come and go, and devices."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from flexplatform.embedded.mqtt import Mosquitto, Nats
from flexplatform.embedded.process import ChildProcess
from flexplatform.env import BASE_DIR

SECONDS = 90.0
SQLITE = "sqlite:///"


@cache
def migrated_sqlite() -> Path:
    """Return a database with empty tables, made once per process, as making them takes ten seconds."""
    path = Path(tempfile.mkdtemp(prefix="flexplatform-faults-")) / "empty.sqlite3"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    environment = {**os.environ, "DATABASE_URL": f"{SQLITE}{path}", "VAR_DIR": str(path.parent)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"]
    subprocess.run(command, cwd=BASE_DIR, env=environment, check=True)
    return path


class TelemetryPlatform:
    """Two organizations, `a` and `b`, each with a site `home`, a battery, and a credential for the site."""

    def __init__(
        self,
        folder: Path,
        database: str,
        broker: Mosquitto | Nats,
        *,
        driver: str = "telemetry_driver.py",
        **environment: str,
    ) -> None:
        self.folder, self.broker = folder, broker
        self.environment = {
            **environment,
            "DATABASE_URL": database,
            "DATABASE_POOL_SIZE": "0",
            "VAR_DIR": str(folder),
            "MQTT_URL": broker.url,
            "LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": "flexplatform.settings",
            "PYTHONPATH": str(BASE_DIR),
        }
        if database.startswith(SQLITE):
            shutil.copy(migrated_sqlite(), database.removeprefix(SQLITE))
        self.driver = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(driver))],
            cwd=BASE_DIR,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.bridges: list[ChildProcess] = []
        self.first_second = round(time.time()) - 30 * 86_400
        self.devices: dict[str, tuple[str, str]] = self("prepare")

    def __call__(self, command: str, **arguments: Any) -> Any:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps([command, arguments]) + "\n")
        self.driver.stdin.flush()
        line = self.driver.stdout.readline()
        assert line, f"{command} failed"
        return json.loads(line)

    def bridge(self, *options: str) -> ChildProcess:
        """Start a bridge in a process group of its own."""
        if isinstance(self.broker, Mosquitto):
            folder, pid_file = self.broker.access
            options = ("--access-folder", str(folder), "--broker-pid-file", str(pid_file), *options)
        number = len(self.bridges)
        child = ChildProcess(
            f"bridge {number}",
            [sys.executable, str(BASE_DIR / "manage.py"), "mqtt_bridge", *options],
            environment=self.environment,
            folder=BASE_DIR,
            log=self.folder / f"bridge-{number}.log",
            polite=True,
        )
        self.bridges.append(child)
        child.start()
        return child

    def publish(self, device: str, asset: str, first: int, count: int, pause_seconds: float = 0.0) -> None:
        """Publish numbered readings as a device of an organization; return once the broker has all of them."""
        lines = (f"{number}" for number in range(first, first + count))
        publisher = Publisher(self.broker, *self.devices[device], self.first_second)
        publisher.publish(f"flex/v1/{device}/home/{asset}/soc_percent", lines, pause_seconds)

    def wait_for(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "".join(child.log.read_text()[-2000:] for child in self.bridges if child.log)
                raise AssertionError(f"{self('look')} {logs}")
            time.sleep(0.1)

    def stop(self) -> None:
        for bridge in self.bridges:
            bridge.stop()
        self.driver.kill()
        self.driver.wait()


def taken(info: paho.MQTTMessageInfo, seconds: float = 30.0) -> None:
    """Return once the broker has a message; paho's own wait refuses those that wait for the next connection."""
    info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS
    info.wait_for_publish(seconds)
    assert info.is_published(), "the broker did not take the message"


class Publisher:
    """A device: publishes with QoS 1 and sends again what the broker did not take, over any number of connections."""

    WINDOW = 2000

    def __init__(self, broker: Mosquitto | Nats, username: str, password: str, first_second: int) -> None:
        self.broker, self.username, self.password = broker, username, password
        self.first_second = first_second
        self.sent = self.taken = 0

    def publish(self, topic: str, numbers: Iterable[str], pause_seconds: float = 0.0) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.username, clean_session=False)
        client.username_pw_set(self.username, self.password)
        client.max_inflight_messages_set(500)
        client.reconnect_delay_set(1, 1)
        # Counted here, as paho's own `wait_for_publish` raises for messages that wait for the next connection.
        client.on_publish = self._count
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        for number in numbers:
            # A value and a time of its own for each number.
            ts = self.first_second + int(number)
            client.publish(topic, f'{{"ts":{ts},"value":{int(number) % 100}}}', qos=1)
            self.sent += 1
            self._wait(self.WINDOW)
            if pause_seconds:
                time.sleep(pause_seconds)
        self._wait(0)
        client.disconnect()
        client.loop_stop()

    def _count(self, *_: Any) -> None:
        self.taken += 1

    def _wait(self, open_messages: int) -> None:
        deadline = time.monotonic() + SECONDS
        while self.sent - self.taken > open_messages:
            if time.monotonic() > deadline:
                raise AssertionError(f"The broker took {self.taken} of {self.sent} messages in {SECONDS:g} s.")
            time.sleep(0.001)
