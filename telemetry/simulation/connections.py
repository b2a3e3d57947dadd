"""Many devices at a broker, each with a connection of its own, all in one thread."""

import logging
import selectors
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.engine.topics import STATUS
from telemetry.mqtt.address import BrokerAddress

KEEPALIVE_SECONDS = 60
SECONDS_BETWEEN_TRIES = 2.0
SECONDS_BETWEEN_CARE = 1.0
MOST_UNACKNOWLEDGED = 1000

log = logging.getLogger(__name__)
Heard = Callable[[str, bytes], None]


class DeviceConnection:
    """One device: its last will says that it is offline, and it hears the topics of `listens`."""

    def __init__(
        self, address: BrokerAddress, login: tuple[str, str], client_id: str, place: str, listens: Mapping[str, Heard]
    ) -> None:
        self.address, self.place, self.listens = address, place, listens
        self.connected = False
        self.acknowledged = 0
        self.tried = float("-inf")
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTProtocolVersion(address.protocol)
        )
        self.client.username_pw_set(*login)
        if address.tls:
            self.client.tls_set(ca_certs=address.authority or None)
        self.client.max_inflight_messages_set(MOST_UNACKNOWLEDGED)
        self.client.will_set(f"{place}/{STATUS}", "offline", qos=1, retain=True)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> bool:
        """Publish with QoS 1 while there is a connection; return whether there is."""
        if self.connected:
            self.client.publish(topic, payload, qos=1, retain=retain)
        return self.connected

    def connect(self) -> None:
        """Ask for a connection; a broker that is away is asked again later."""
        self.tried = time.monotonic()
        with suppress(OSError):
            self.client.connect(self.address.host, self.address.port, keepalive=KEEPALIVE_SECONDS)

    def leave(self) -> None:
        """Say that it is offline, and go."""
        self.publish(f"{self.place}/{STATUS}", "offline", retain=True)
        self.client.disconnect()

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.info("%s is refused: %s.", self.place, reason)
            return
        self.connected = True
        client.publish(f"{self.place}/{STATUS}", "online", qos=1, retain=True)
        for topic in self.listens:
            client.subscribe(topic, qos=1)

    def _on_disconnect(self, *_arguments: Any) -> None:
        self.connected = False

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        if message.topic in self.listens:
            self.listens[message.topic](message.topic, message.payload)

    def _on_publish(self, *_arguments: Any) -> None:
        self.acknowledged += 1


class Connections:
    """Reads and writes for all devices; a connection that is lost is made again."""

    def __init__(self, devices: list[DeviceConnection]) -> None:
        self.devices = devices
        self._selector = selectors.DefaultSelector()
        self._cared = float("-inf")
        for device in devices:
            client = device.client
            client.on_socket_open = self._opened
            client.on_socket_close = self._closed
            client.on_socket_register_write = self._wants_to_write
            client.on_socket_unregister_write = self._has_written

    def serve(self, until: float) -> None:
        """Read and write until a time of the monotonic clock, at least once."""
        while True:
            self._care()
            left = max(until - time.monotonic(), 0.0)
            for key, events in self._selector.select(min(left, 0.2)):
                if events & selectors.EVENT_READ:
                    key.data.loop_read()
                if events & selectors.EVENT_WRITE:
                    key.data.loop_write()
            if time.monotonic() >= until:
                return

    def leave(self, seconds: float = 1.0) -> None:
        """Let every device say that it is offline."""
        for device in self.devices:
            device.leave()
        until = time.monotonic() + seconds
        while self._selector.get_map() and time.monotonic() < until:
            self.serve(time.monotonic() + 0.05)

    def _care(self) -> None:
        now = time.monotonic()
        if now - self._cared < SECONDS_BETWEEN_CARE:
            return
        self._cared = now
        for device in self.devices:
            if device.client.socket() is not None:
                device.client.loop_misc()
            elif now - device.tried >= SECONDS_BETWEEN_TRIES:
                device.connect()

    def _opened(self, client: Any, _data: Any, connection: Any) -> None:
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _closed(self, _client: Any, _data: Any, connection: Any) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection)

    def _wants_to_write(self, client: Any, _data: Any, connection: Any) -> None:
        self._modify(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, client)

    def _has_written(self, client: Any, _data: Any, connection: Any) -> None:
        self._modify(connection, selectors.EVENT_READ, client)

    def _modify(self, connection: Any, events: int, client: Any) -> None:
        with suppress(KeyError, ValueError):
            self._selector.modify(connection, events, client)
