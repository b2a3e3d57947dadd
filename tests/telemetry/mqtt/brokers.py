"""A real mosquitto with the limits that are shipped, or with single ones taken away; a bridge's link; a device."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from flexplatform.embedded.mqtt import BRIDGE_USER, Mosquitto
from telemetry.mqtt.address import BrokerAddress
from telemetry.mqtt.link import Link, LinkOptions, Taken
from telemetry.services.devices import mosquitto_hash

DEVICE, PASSWORD = "a.gateway", "secret"
TOPIC = "flex/v1/a/home/battery/power_kw"
SECONDS = 20.0


def made(folder: Path, *without: str) -> Mosquitto:
    """Return a broker whose configuration lacks the lines that begin with `without`, with a bridge and a device."""
    broker = Mosquitto(folder)
    configuration = folder / "mosquitto.conf"
    kept = [line for line in configuration.read_text().splitlines() if not line.startswith(without or ("\0",))]
    configuration.write_text("\n".join(kept) + "\n")
    (folder / "passwords").write_text(
        f"{BRIDGE_USER}:{mosquitto_hash(broker.password)}\n{DEVICE}:{mosquitto_hash(PASSWORD)}\n"
    )
    (folder / "acl").write_text(f"user {BRIDGE_USER}\ntopic read flex/v1/#\n\nuser {DEVICE}\ntopic flex/v1/a/#\n")
    return broker


def link_to(broker: Mosquitto, **options: Any) -> Link:
    """Return a started link that is connected."""
    values: dict[str, Any] = {"filters": ["flex/v1/#"], "client_id": BRIDGE_USER, **options}
    link = Link(BrokerAddress.of(broker.url), LinkOptions(**values))
    link.start()
    wait_for(lambda: link.state.subscribed)
    return link


def publish(broker: Mosquitto, payloads: Iterable[str], topic: str = TOPIC) -> None:
    """Publish with QoS 1 and return once the broker has all of it."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
    client.username_pw_set(DEVICE, PASSWORD)
    client.max_inflight_messages_set(500)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for info in [client.publish(topic, payload, qos=1) for payload in payloads]:
        info.wait_for_publish(SECONDS)
    client.disconnect()
    client.loop_stop()


def take_all(link: Link, most: int, quiet_seconds: float = 1.0) -> list[Taken]:
    """Return `most` messages, or fewer where nothing comes any more; each is taken off the window by acknowledging."""
    found: list[Taken] = []
    while len(found) < most and (taken := link.take(most - len(found), quiet_seconds, 0.05)):
        found += taken
    return found


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
