"""The client takes from the wire what paho takes, however the bytes are cut."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.client import _ConnectionState
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from flexplatform.embedded.mqtt import find_mosquitto
from telemetry.mqtt.client import BatchClient
from tests.telemetry.mqtt.brokers import DEVICE, PASSWORD, link_to, made, take_all, wait_for

PAYLOADS = ["", "x", "ä" * 100, "y" * 127, "z" * 128, "a" * 16_000, "b" * 60_000]
Taken = tuple[int, str, bytes]


def varint(number: int) -> bytes:
    found = bytearray()
    while True:
        number, rest = divmod(number, 128)
        found.append(rest | (0x80 if number else 0))
        if not number:
            return bytes(found)


def packet(number: int, topic: str, payload: bytes, protocol: int, properties: bytes = b"") -> bytes:
    """Return a PUBLISH as a broker sends it: with QoS 1 where it has a number."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (number.to_bytes(2, "big") if number else b"")
    body += varint(len(properties)) + properties if protocol == paho.MQTTv5 else b""
    return bytes([0x32 if number else 0x30]) + varint(len(body + payload)) + body + payload


def connected(protocol: int, taken: list[Taken]) -> tuple[BatchClient, socket.socket]:
    client = BatchClient("test", protocol, lambda *each: taken.append(each))
    own, other = socket.socketpair()
    own.setblocking(False)
    client._sock = own
    client._state = _ConnectionState.MQTT_CS_CONNECTED
    return client, other


messages = st.lists(
    st.tuples(st.integers(0, 65_535), st.text("abc/ä", min_size=1, max_size=20), st.binary(max_size=300)),
    min_size=1,
    max_size=8,
)


@given(messages, st.lists(st.integers(1, 40), max_size=40), st.sampled_from([paho.MQTTv5, paho.MQTTv311]))
def test_messages_are_whole_however_they_are_cut(sent: list[Taken], cuts: list[int], protocol: int) -> None:
    taken: list[Taken] = []
    client, wire = connected(protocol, taken)
    data = b"".join(packet(*each, protocol, b"\x02\x00\x00\x00\x05") for each in sent)
    with wire:
        for cut in cuts:
            wire.sendall(data[:cut])
            data = data[cut:]
            assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        wire.sendall(data)
        client.loop_read()
        assert taken == sent
        client.acknowledge(number for number, _, _ in taken if number)
        expected = b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number, _, _ in sent if number)
        wire.setblocking(False)
        assert (wire.recv(10_000) if expected else b"") == expected
        client._sock_close()


@pytest.mark.parametrize("data", [b"\x32\xff\xff\xff\xff\x7f", b"\x32\x03\x00\x10a", b"\x36\x06\x00\x01a\x00\x01\x00"])
def test_what_is_no_packet_ends_the_connection(data: bytes) -> None:
    taken: list[Taken] = []
    client, wire = connected(paho.MQTTv5, taken)
    with wire:
        wire.sendall(data)
        assert client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
        assert (taken, client.socket()) == ([], None)


@pytest.fixture
def plain() -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE, clean_session=True)
    client.username_pw_set(DEVICE, PASSWORD)
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_it_takes_what_paho_takes_and_the_broker_sees_it_acknowledged(tmp_path: Path, plain: paho.Client) -> None:
    got: list[tuple[str, bytes]] = []
    with made(tmp_path, "use_username_as_clientid") as broker:
        broker.start()
        plain.on_message = lambda _client, _data, message: got.append((message.topic, message.payload))
        ready: list[int] = []
        plain.on_subscribe = lambda *_: ready.append(1)
        plain.connect("127.0.0.1", broker.port)
        plain.subscribe("flex/v1/a/#", qos=1)
        plain.loop_start()
        wait_for(lambda: ready)
        link = link_to(broker, receive_maximum=10)
        sender = [*PAYLOADS, *map(str, range(50))]
        for payload in sender:
            plain.publish("flex/v1/a/home/ä/x", payload, qos=1)
        wait_for(lambda: len(got) == len(sender))
        found = []
        while taken := take_all(link, 10):
            found += [(each.message.topic, each.message.payload) for each in taken]
            link.acknowledge(taken)
        assert sorted(found) == sorted(got)
        link.stop()
        again = link_to(broker)
        assert take_all(again, 1) == []
        again.stop()
