"""Ways to take messages into the database, each in a process of its own: `... telemetry_receivers <way> <count>`.

Takes `count` messages that wait at the broker of MQTT_URL, and prints seconds and CPU seconds from the first stored
ones to the last, as JSON.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402
from paho.mqtt import client as paho  # noqa: E402
from paho.mqtt.enums import CallbackAPIVersion  # noqa: E402

from telemetry.engine.native import Refusal, read_native  # noqa: E402
from telemetry.engine.topics import EVERY_READING  # noqa: E402
from telemetry.models import Reading  # noqa: E402
from telemetry.models.moments import moment_of  # noqa: E402
from telemetry.mqtt.address import BrokerAddress  # noqa: E402
from telemetry.mqtt.bridge import Bridge, BridgeOptions  # noqa: E402
from telemetry.mqtt.link import LinkOptions  # noqa: E402
from telemetry.mqtt.lock import bridge_lock  # noqa: E402
from telemetry.services.access import BRIDGE_USER  # noqa: E402
from telemetry.services.ingest import Message, ingest  # noqa: E402
from telemetry.services.registry import Target, TopicRegistry  # noqa: E402

# What the broker hands out before it wants acknowledgements.
BATCH = 1000
SECONDS = 600.0


def bridge(count: int) -> Iterator[int]:
    """Run the bridge as it is."""
    address = BrokerAddress.of(settings.MQTT_URL)
    options = LinkOptions(filters=[EVERY_READING], client_id=BRIDGE_USER)
    running = Bridge(address, options, BridgeOptions(), bridge_lock())
    thread = threading.Thread(target=running.run)
    thread.start()
    while running.stored.new < count:
        yield running.stored.new
        time.sleep(0.01)
    yield running.stored.new
    running.stopping.set()
    thread.join()


def loop(take: Callable[[Any, paho.MQTTMessage], int]) -> Iterator[int]:
    """Run a plain paho loop; `take` stores what it likes and returns how many that were."""
    address = BrokerAddress.of(settings.MQTT_URL)
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=BRIDGE_USER,
        clean_session=False,
        manual_ack=True,
    )
    client.username_pw_set(address.username, address.password)
    stored = 0

    def on_message(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        nonlocal stored
        stored += take(client, message)

    client.on_message = on_message
    client.connect(address.host, address.port)
    client.subscribe(EVERY_READING, qos=1)
    while True:
        client.loop(0.1)
        yield stored


def paho_batches(count: int) -> Iterator[int]:
    """Collect messages with paho, and store them by the bridge's own writer."""
    registry, waiting, left = TopicRegistry(), [], count

    def take(client: Any, message: paho.MQTTMessage) -> int:
        nonlocal left
        waiting.append(message)
        if len(waiting) < min(BATCH, left):
            return 0
        now_us = time.time_ns() // 1000
        ingest(registry=registry, messages=[Message(each.topic, each.payload, now_us) for each in waiting])
        for each in waiting:
            client.ack(each.mid, each.qos)
        done = len(waiting)
        left -= done
        waiting.clear()
        return done

    yield from loop(take)


def paho_saves(_count: int) -> Iterator[int]:
    """Save a row of Django's for each message."""
    registry = TopicRegistry()
    refused: list[Refusal] = []
    with scopes_disabled():
        registry.refresh()

        def take(client: Any, message: paho.MQTTMessage) -> int:
            target = registry.find(message.topic)
            assert isinstance(target, Target)
            now_us = time.time_ns() // 1000
            ((moment_us, value),) = read_native(message.payload, target.quantity, now_us, refused)
            Reading(
                channel_id=target.channel, time=moment_of(moment_us), value=value, received_at=moment_of(now_us)
            ).save(force_insert=True)
            client.ack(message.mid, message.qos)
            return 1

        yield from loop(take)


WAYS = {function.__name__: function for function in (bridge, paho_batches, paho_saves)}


def main() -> None:
    """Take the messages and say what it cost."""
    way, count = sys.argv[1], int(sys.argv[2])
    first: tuple[int, float, float] | None = None
    last: tuple[int, float, float] | None = None
    deadline = time.monotonic() + SECONDS
    for stored in WAYS[way](count):
        now = (stored, time.monotonic(), time.process_time())
        first = now if first is None and stored else first
        if last is None and stored >= count:
            # The last acknowledgements still have to leave.
            last, deadline = now, now[1] + 1.0
        if now[1] > deadline:
            break
    if first is None or last is None:
        raise TimeoutError(f"fewer than {count} after {SECONDS:g} s")
    rows = last[0] - first[0]
    sys.stdout.write(json.dumps({"rows": rows, "seconds": last[1] - first[1], "cpu": last[2] - first[2]}) + "\n")


if __name__ == "__main__":
    main()
