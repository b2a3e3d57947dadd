"""The bridge's connection to the broker: a thread that queues what comes, acknowledges what was stored, and publishes.

A message counts for the connection that it came by (its epoch): ids start again with a new connection, so that an old
acknowledgement would throw away a message that was never stored.
"""

import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from telemetry.mqtt.address import BrokerAddress
from telemetry.mqtt.client import BatchClient
from telemetry.services.ingest import Message

KEEPALIVE_SECONDS = 60
NEVER = 0xFFFFFFFE
LONGEST_WAIT_SECONDS = 5.0
STEP_SECONDS = 0.5
LAST_ANSWER_SECONDS = 2.0
MOST_UNACKNOWLEDGED = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkOptions:
    """What keeps messages safe; tests take single ones away to see them get lost."""

    filters: Sequence[str]
    client_id: str
    receive_maximum: int = 5000
    longest_queue: int = 20_000
    session_seconds: int = NEVER
    clean_start: bool = False


@dataclass(slots=True)
class Taken:
    """A message with its id, by the connection that it came by."""

    epoch: int
    number: int
    message: Message


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish with QoS 1, retained; `about` comes back once the broker has it.

    The broker forgets it after `seconds`, where it knows MQTT 5.
    """

    topic: str
    payload: bytes
    about: Any
    seconds: int | None = None


@dataclass(slots=True)
class LinkState:
    """What is known of the connection; `sessions` counts those that the broker began anew."""

    connected: bool = False
    subscribed: bool = False
    connections: int = 0
    sessions: int = 0
    received: int = 0
    refused: str = ""
    stale_acknowledgements: int = 0
    queued: int = field(default=0)


class Link:
    """Connects, and connects again, until it is stopped."""

    def __init__(self, address: BrokerAddress, options: LinkOptions) -> None:
        self.address, self.options = address, options
        self.state = LinkState()
        self.epoch = 0
        self._queue: deque[Taken] = deque()
        self._arrived = threading.Condition()
        self._acknowledged: deque[tuple[int, list[int]]] = deque()
        self._outgoing: deque[Outgoing] = deque()
        self._unacknowledged: dict[int, Any] = {}
        self._published: deque[tuple[Any, bool]] = deque()
        self._stopping = threading.Event()
        self._paused = False
        self._leaving_until: float | None = None
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._client = self._made()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def pause(self) -> None:
        """Take no more messages; those in the queue are still acknowledged."""
        self._paused = True

    def stop(self) -> None:
        """Send what is left to acknowledge, and leave; the broker keeps the session."""
        self._stopping.set()
        self._wake()
        self._thread.join(LONGEST_WAIT_SECONDS)
        for end in (self._wake_read, self._wake_write):
            end.close()

    def alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def take(self, most: int, wait_seconds: float, flush_seconds: float) -> list[Taken]:
        """Return the next messages: `most` of them, or what came within `flush_seconds` of the first."""
        with self._arrived:
            if not self._queue:
                self._arrived.wait(wait_seconds)
            if not self._queue:
                return []
            first_us = self._queue[0].message.received_us
            until = time.monotonic() + flush_seconds - max(time.time() - first_us / 1e6, 0)
            while len(self._queue) < most and (left := until - time.monotonic()) > 0 and not self._paused:
                self._arrived.wait(left)
            taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
            self.state.queued = len(self._queue)
        return taken

    def acknowledge(self, taken: Sequence[Taken]) -> None:
        """Let the broker forget messages that are stored; those of an earlier connection are passed over."""
        by_epoch: dict[int, list[int]] = {}
        for each in taken:
            if each.number:
                by_epoch.setdefault(each.epoch, []).append(each.number)
        self._acknowledged.extend(by_epoch.items())
        self._wake()

    def publish(self, message: Outgoing) -> None:
        """Publish a message as soon as there is a connection; over a lost one it is published again."""
        self._outgoing.append(message)
        self._wake()

    def published(self) -> list[tuple[Any, bool]]:
        """Return what messages were about that the broker took, or refused (False), since the last call."""
        return [self._published.popleft() for _ in range(len(self._published))]

    def _made(self) -> BatchClient:
        client = BatchClient(self.options.client_id, self.address.protocol, self._take)
        if self.address.username:
            client.username_pw_set(self.address.username, self.address.password)
        if self.address.tls:
            client.tls_set(ca_certs=self.address.authority or None)
        client.max_inflight_messages_set(MOST_UNACKNOWLEDGED)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> None:
        options: dict[str, Any] = {"keepalive": KEEPALIVE_SECONDS}
        if self.address.protocol == MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self.options.session_seconds
            properties.ReceiveMaximum = self.options.receive_maximum
            # paho's own default asks for a clean session on the first connection of each process.
            options |= {"clean_start": self.options.clean_start, "properties": properties}
        self.epoch += 1
        self._client.connect(self.address.host, self.address.port, **options)

    def _run(self) -> None:
        wait = 0.1
        while not self._stopping.is_set():
            try:
                self._connect()
            except (OSError, ValueError) as error:
                self.state.refused = str(error)
            else:
                began = time.monotonic()
                self._converse()
                wait = 0.1 if time.monotonic() - began > LONGEST_WAIT_SECONDS else wait
            if not self._stopping.wait(wait):
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        self.state.connected = False

    def _converse(self) -> None:
        self._leaving_until = None
        while (connection := self._client.socket()) is not None:
            self._send_acknowledgements()
            self._send_outgoing()
            if self._stopping.is_set() and self._may_leave():
                self._client.disconnect()
                return
            held = self._is_full() and self._leaving_until is None
            reading = [self._wake_read] if held else [self._wake_read, connection]
            writing = [connection] if self._client.want_write() else []
            at_once = self._client.has_pending() and not held
            readable, writable, _ = select.select(reading, writing, [], 0 if at_once else STEP_SECONDS)
            if self._wake_read in readable:
                with suppress(BlockingIOError):
                    self._wake_read.recv(4096)
            if connection in readable or at_once:
                self._client.loop_read()
                self._tell()
            if connection in writable:
                self._client.loop_write()
            self._client.loop_misc()

    def _may_leave(self) -> bool:
        """Return whether the broker read all that was sent: it passes over the rest once it sees a new connection."""
        if self._acknowledged or self._client.want_write():
            return False
        if self._leaving_until is None and self.state.connected:
            self._leaving_until = time.monotonic() + LAST_ANSWER_SECONDS
            self._client.ask()
            return False
        return self._leaving_until is None or self._client.is_answered() or time.monotonic() > self._leaving_until

    def _send_acknowledgements(self) -> None:
        while self._acknowledged:
            epoch, numbers = self._acknowledged.popleft()
            if epoch == self.epoch:
                self._client.acknowledge(numbers)
            else:
                self.state.stale_acknowledgements += len(numbers)

    def _send_outgoing(self) -> None:
        while self._outgoing and self.state.connected:
            message = self._outgoing.popleft()
            properties = None
            if message.seconds is not None and self.address.protocol == MQTTv5:
                properties = Properties(PacketTypes.PUBLISH)
                properties.MessageExpiryInterval = message.seconds
            sent = self._client.publish(message.topic, message.payload, qos=1, retain=True, properties=properties)
            self._unacknowledged[sent.mid] = message.about

    def _is_full(self) -> bool:
        """Return whether nothing more is read; the broker then waits, as its data stays in the socket."""
        return self._paused or len(self._queue) >= self.options.longest_queue

    def _take(self, number: int, topic: str, payload: bytes) -> None:
        self.state.received += 1
        self._queue.append(Taken(self.epoch, number, Message(topic, payload, time.time_ns() // 1000)))

    def _tell(self) -> None:
        with self._arrived:
            self.state.queued = len(self._queue)
            self._arrived.notify()

    def _wake(self) -> None:
        with suppress(BlockingIOError, OSError):
            self._wake_write.send(b"!")

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.state.refused = f"The broker refuses the connection: {reason}."
            log.error(self.state.refused)
            return
        self.state.connected, self.state.refused = True, ""
        self.state.connections += 1
        self.state.sessions += not flags.session_present
        log.info("Connected; the broker %s.", "kept the session" if flags.session_present else "begins a new session")
        for each in self.options.filters:
            if self.address.protocol == MQTTv5:
                client.subscribe(each, options=SubscribeOptions(qos=1, noLocal=True, retainHandling=1))
            else:
                client.subscribe(each, qos=1)

    def _on_publish(self, _client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("The broker refuses a message: %s.", reason)
        if number in self._unacknowledged:
            self._published.append((self._unacknowledged.pop(number), not reason.is_failure))

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                self.state.refused = f"The broker refuses the subscription: {reason}."
                log.error(self.state.refused)
        self.state.subscribed = not any(reason.is_failure for reason in reasons)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.state.connected = self.state.subscribed = False
        log.warning("Disconnected: %s.", reason)
