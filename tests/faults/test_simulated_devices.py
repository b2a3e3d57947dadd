"""Simulated devices in a process of their own, at a real broker: they measure, obey, refuse, and leave."""

import sys
from pathlib import Path

import pytest

from flexplatform.embedded.mqtt import Mosquitto, find_mosquitto
from flexplatform.embedded.process import ChildProcess
from flexplatform.env import BASE_DIR
from tests.faults.telemetry_platform import TelemetryPlatform

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
]


def test_a_simulated_battery_obeys_refuses_and_says_that_it_leaves(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        broker.start()
        platform = TelemetryPlatform(tmp_path, f"sqlite:///{tmp_path / 'db.sqlite3'}", broker)
        devices = ChildProcess(
            "devices",
            [sys.executable, "manage.py", "simulate_devices", "--organization", "a", "--every", "0.5"],
            environment=platform.environment,
            folder=BASE_DIR,
            log=tmp_path / "devices.log",
            polite=True,
        )
        try:
            platform.bridge()
            with devices:
                devices.start()
                platform.wait_for(lambda: "battery.power_kw" in platform("newest", organization="a"))
                followed = platform("queue", organization="a", power_kw=[1.5])
                platform.wait_for(lambda: platform("setpoints")[followed] == "acknowledged")
                platform.wait_for(lambda: platform("newest", organization="a")["battery.power_kw"] == 1.5)
                too_much = platform("queue", organization="a", power_kw=[99])
                platform.wait_for(lambda: platform("setpoints")[too_much] == "refused")
                assert set(map(tuple, platform("look")["online"])) == {("a", True)}
            platform.wait_for(lambda: set(map(tuple, platform("look")["online"])) == {("a", False)})
            assert platform("look")["letters"] == []
        finally:
            platform.stop()
