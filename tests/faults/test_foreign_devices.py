"""A device of one organization against the topics of another, through a real broker with the files that are shipped."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from flexplatform.embedded.mqtt import Mosquitto, find_mosquitto
from tests.faults.telemetry_platform import Publisher, TelemetryPlatform, taken

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
]

SECONDS_TO_LISTEN = 1.0


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[TelemetryPlatform]:
    with Mosquitto(tmp_path / "broker") as broker:
        broker.start()
        platform = TelemetryPlatform(tmp_path, f"sqlite:///{tmp_path / 'db.sqlite3'}", broker)
        try:
            platform.bridge()
            platform.wait_for(lambda: platform("look")["connected"] == [True])
            yield platform
        finally:
            platform.stop()


def test_a_device_reaches_its_own_organization_only(platform: TelemetryPlatform) -> None:
    heard: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="listener")
    client.username_pw_set(*platform.devices["b"])
    client.on_message = lambda _client, _data, message: heard.append(message.topic)
    client.connect("127.0.0.1", platform.broker.port)
    client.subscribe([("#", 1), ("flex/v1/a/#", 1), ("$share/any/flex/v1/#", 1)])
    client.loop_start()
    try:
        thief = Publisher(platform.broker, *platform.devices["a"], platform.first_second)
        thief.publish("flex/v1/b/home/battery/soc_percent", ["1", "2"])
        platform.publish("a", "battery", 0, 10)
        platform.wait_for(lambda: "a" in platform("look")["readings"])
        time.sleep(SECONDS_TO_LISTEN)
    finally:
        client.disconnect()
        client.loop_stop()
    found = platform("look")
    assert {name: row["count"] for name, row in found["readings"].items()} == {"a": 10}
    assert (heard, found["letters"]) == ([], [])


def test_a_revoked_credential_opens_the_broker_no_more(platform: TelemetryPlatform) -> None:
    username, password = platform.devices["a"]

    def answer() -> str:
        said: list[str] = []
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=username)
        client.username_pw_set(username, password)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: said.append(str(reason))
        client.connect("127.0.0.1", platform.broker.port)
        client.loop_start()
        platform.wait_for(lambda: bool(said), 10)
        client.disconnect()
        client.loop_stop()
        return said[0]

    assert answer() == "Success"
    platform("revoke", username=username)
    platform.wait_for(lambda: answer() == "Not authorized", 20)


def test_a_device_with_words_of_its_own_is_understood_below_its_own_name_only(platform: TelemetryPlatform) -> None:
    own, other = (platform.devices[name] for name in "ab")
    platform("use_preset", username=own[0], preset="evcc")
    topic = f"ext/{own[0]}/evcc/site/grid/power"

    def say(device: tuple[str, str], watts: str) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=device[0])
        client.username_pw_set(*device)
        client.connect("127.0.0.1", platform.broker.port)
        client.loop_start()
        taken(client.publish(topic, watts, qos=1))
        client.disconnect()
        client.loop_stop()

    def heard() -> bool:
        say(other, "9000")
        say(own, "1500")
        return bool(platform("newest", organization="a"))

    platform.wait_for(heard, 30)
    assert list(platform("newest", organization="a").values()) == [1.5]
    assert platform("newest", organization="b") == {}
