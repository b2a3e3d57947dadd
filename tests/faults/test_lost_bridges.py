"""Real processes: a broker, a bridge that is killed again and again, numbered readings; none is lost or doubled."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flexplatform.embedded.mqtt import DEVICES_USER, Mosquitto, Nats, find_mosquitto
from flexplatform.embedded.postgres import running_postgres
from flexplatform.embedded.process import ChildProcess
from tests.faults.telemetry_platform import TelemetryPlatform

pytestmark = pytest.mark.timeout(240)

COUNT = 20_000
KILLS = 5


@pytest.fixture
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TelemetryPlatform]:
    database, kind = request.param
    if kind is Mosquitto and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with ExitStack() as running:
        address = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        if database == "postgresql":
            address = running.enter_context(running_postgres()).url()
        broker = running.enter_context(kind(tmp_path / "broker"))
        broker.start()
        platform = TelemetryPlatform(tmp_path, address, broker)
        running.callback(platform.stop)
        if kind is Nats:
            platform.devices = dict.fromkeys("ab", (DEVICES_USER, broker.password))
        yield platform


def kill(bridge: ChildProcess) -> None:
    os.killpg(os.getpgid(bridge.process.pid), signal.SIGKILL)
    bridge.process.wait()


def stored(platform: TelemetryPlatform) -> int:
    return int(platform("look")["readings"].get("a", {"count": 0})["count"])


@pytest.mark.parametrize(
    "platform", [("sqlite", Mosquitto), ("sqlite", Nats), ("postgresql", Mosquitto)], indirect=True
)
def test_a_bridge_that_is_killed_loses_nothing_and_doubles_nothing(platform: TelemetryPlatform) -> None:
    bridge = platform.bridge()
    platform.wait_for(lambda: platform("look")["connected"] == [True])
    for first in range(0, COUNT, COUNT // KILLS):
        before = stored(platform)
        arguments = ("a", "battery", first, COUNT // KILLS, 0.0005)
        publishing = threading.Thread(target=platform.publish, args=arguments)
        publishing.start()
        platform.wait_for(lambda before=before: stored(platform) > before)
        kill(bridge)
        bridge = platform.bridge()
        publishing.join()
    platform.wait_for(lambda: stored(platform) >= COUNT)
    bridge.stop()
    found = platform("look")
    total = sum(number % 100 for number in range(COUNT))
    assert found["readings"] == {"a": {"count": COUNT, "sum": total, "span": COUNT - 1.0}}
    assert (found["rolled"], found["rolled_sum"]) == (COUNT, total)
    assert found["letters"] == []
