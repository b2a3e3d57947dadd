"""Set-points through a real broker: sent once, answered once, by the right device; and what is lost in between."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from flexplatform.embedded.mqtt import Mosquitto, find_mosquitto
from flexplatform.embedded.process import ChildProcess
from tests.faults.telemetry_platform import TelemetryPlatform, taken
from tests.telemetry.mqtt.brokers import wait_for

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
]

TOPIC = "flex/v1/{}/home/battery/{}"


class Device:
    """Hears its set-points and answers when told to."""

    def __init__(self, platform: TelemetryPlatform, organization: str, protocol: int = paho.MQTTv5) -> None:
        self.organization = organization
        self.heard: list[tuple[str, bytes]] = []
        self.refusals: list[str] = []
        username, password = platform.devices[organization]
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=username, protocol=protocol)
        self.client.username_pw_set(username, password)
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        self.client.on_publish = lambda _client, _data, _mid, reason, _properties: self.refusals.append(str(reason))
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.connect("127.0.0.1", platform.broker.port)
        self.client.loop_start()

    def publish(self, topic: str, content: Any, retain: bool = False) -> None:
        # paho leaves when MQTT 5 refuses a message, and comes back.
        wait_for(self.client.is_connected)
        payload = content if isinstance(content, bytes) else json.dumps(content)
        taken(self.client.publish(topic, payload, qos=1, retain=retain))

    def answer(self, message_id: str, status: str = "accepted", organization: str = "") -> None:
        topic = TOPIC.format(organization or self.organization, "ack")
        self.publish(topic, {"id": message_id, "status": status, "reason": "no"})

    def ids(self) -> list[str]:
        return [json.loads(payload)["id"] if payload else "" for _, payload in self.heard]

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[TelemetryPlatform]:
    with Mosquitto(tmp_path / "broker") as broker:
        broker.start()
        platform = TelemetryPlatform(tmp_path, f"sqlite:///{tmp_path / 'db.sqlite3'}", broker)
        try:
            yield platform
        finally:
            platform.stop()


def started(platform: TelemetryPlatform) -> ChildProcess:
    bridge = platform.bridge()
    platform.wait_for(lambda: platform("look")["connected"] == [True])
    return bridge


def kill(bridge: ChildProcess) -> None:
    os.killpg(os.getpgid(bridge.process.pid), signal.SIGKILL)
    bridge.process.wait()


def test_a_setpoint_is_sent_and_answered_once_and_can_be_taken_back(platform: TelemetryPlatform) -> None:
    started(platform)
    first = platform("queue", organization="a", power_kw=[1.5, -2])
    platform.wait_for(lambda: platform("setpoints") == {first: "sent"})
    device = Device(platform, "a")
    try:
        platform.wait_for(lambda: device.ids() == [first])
        told = json.loads(device.heard[0][1])
        assert device.heard[0][0] == TOPIC.format("a", "setpoint")
        assert (told["power_kw"], told["step_seconds"]) == ([1.5, -2.0], 3600)
        device.answer(first)
        platform.wait_for(lambda: platform("setpoints") == {first: "acknowledged"})
        device.answer(first, "refused")
        second = platform("queue", organization="a", power_kw=[3, 3])
        platform.wait_for(lambda: device.ids() == [first, second])
        device.answer(second, "refused")
        platform.wait_for(lambda: platform("setpoints") == {first: "superseded", second: "refused"})
        third = platform("queue", organization="a", power_kw=[2])
        platform.wait_for(lambda: device.ids()[-1] == third)
        platform("cancel", message_id=third)
        platform.wait_for(lambda: device.ids()[-1] == "")
        platform.wait_for(lambda: platform("setpoints")[third] == "cancelled")
        assert platform("look")["letters"] == []
    finally:
        device.stop()
    again = Device(platform, "a")
    try:
        again.publish(TOPIC.format("a", "soc_percent"), {"ts": platform.first_second, "value": 1})
        platform.wait_for(lambda: "a" in platform("look")["readings"])
        assert again.heard == []
    finally:
        again.stop()


def test_a_bridge_that_is_killed_sends_what_was_queued_under_the_same_id(platform: TelemetryPlatform) -> None:
    kill(started(platform))
    waiting = platform("queue", organization="a", power_kw=[1])
    assert platform("setpoints") == {waiting: "queued"}
    device = Device(platform, "a")
    try:
        for _ in range(3):
            bridge = platform.bridge()
            platform.wait_for(lambda: waiting in device.ids())
            kill(bridge)
        started(platform)
        platform.wait_for(lambda: platform("setpoints") == {waiting: "sent"})
        assert set(device.ids()) == {waiting}
    finally:
        device.stop()


def test_a_broker_that_lost_its_memory_is_told_again(platform: TelemetryPlatform) -> None:
    started(platform)
    sent = platform("queue", organization="a", power_kw=[1])
    platform.wait_for(lambda: platform("setpoints") == {sent: "sent"})
    platform.broker.stop()
    (platform.folder / "broker" / "mosquitto.db").unlink()
    platform.broker.start()
    device = Device(platform, "a")
    try:
        platform.wait_for(lambda: device.ids() == [sent])
    finally:
        device.stop()


@pytest.mark.parametrize("protocol", [paho.MQTTv5, paho.MQTTv311])
def test_no_device_writes_setpoints_or_reads_and_answers_those_of_others(
    platform: TelemetryPlatform, protocol: int
) -> None:
    started(platform)
    of_a = platform("queue", organization="a", power_kw=[1])
    of_b = platform("queue", organization="b", power_kw=[1])
    platform.wait_for(lambda: set(platform("setpoints").values()) == {"sent"})
    victim, thief = Device(platform, "a", protocol), Device(platform, "b", protocol)
    try:
        platform.wait_for(lambda: victim.ids() == [of_a] and thief.ids() == [of_b])
        for organization in "ab":
            for device in (victim, thief):
                device.publish(TOPIC.format(organization, "setpoint"), {"id": of_a, "power_kw": [9]}, retain=True)
        thief.answer(of_a, organization="a")
        # Its own topic is open to it; the set-point is not its own.
        thief.answer(of_a)
        platform.wait_for(lambda: len(platform("look")["letters"]) == 1)
        thief.answer(of_b)
        platform.wait_for(lambda: platform("setpoints") == {of_a: "sent", of_b: "acknowledged"})
        assert platform("look")["letters"][0][:2] == [
            TOPIC.format("b", "ack"),
            f"id is {of_a}; allowed: that of a set-point of this device.",
        ]
        assert (set(victim.ids()), set(thief.ids())) == ({of_a}, {of_b})
    finally:
        victim.stop()
        thief.stop()
