"""paho's client, reading the socket in large pieces and acknowledging many messages in one buffer.

paho asks the socket three times per message and sends each acknowledgement by itself. This subclass touches private
parts of paho, so its minor version is pinned and `tests/telemetry/mqtt/test_client.py` compares both.
"""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

READ_SIZE = 256 * 1024
ROUNDS = 16
PUBLISH, PUBACK = 0x30, 0x40
SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS

Take = Callable[[int, str, bytes], None]


class BatchClient(paho.Client):
    """Hands messages of QoS 0 and 1 to `take(id, topic, payload)`; the caller acknowledges those with an id, later.

    All of it happens in the thread that calls `loop_read`, `loop_write`, `loop_misc` and `acknowledge`.
    """

    def __init__(self, client_id: str, protocol: int, take: Take) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            # MQTT 5 has a flag of its own, which `connect` sets; 3.1.1 keeps its session by this one.
            clean_session=None if protocol == paho.MQTTv5 else False,
            protocol=paho.MQTTProtocolVersion(protocol),
            manual_ack=True,
        )
        self.suppress_exceptions = True
        self._take_message = take
        self._buffer = bytearray()

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; what was half read belongs to the old connection."""
        self._buffer.clear()
        return super().reconnect()

    def acknowledge(self, ids: Iterable[int]) -> MQTTErrorCode:
        """Acknowledge messages of this connection by one buffer."""
        packet = b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number in ids)
        return self._packet_queue(PUBACK, packet, 0, 0) if packet else SUCCESS

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what the socket has, in large pieces, and take every whole packet of it."""
        for _ in range(ROUNDS):
            if self._sock is None:
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            try:
                data = self._sock_recv(READ_SIZE)
            except BlockingIOError:
                return SUCCESS
            except OSError:
                data = b""
            if not data:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            with self._msgtime_mutex:
                self._last_msg_in = paho.time_func()
            self._buffer += data
            code = self._take_packets()
            if code != SUCCESS:
                return self._loop_rc_handle(code)
            if not self._has_more(len(data)):
                return SUCCESS
        return SUCCESS

    def ask(self) -> MQTTErrorCode:
        """Ask the broker to answer; it does so after all that was sent before."""
        return self._send_pingreq()

    def is_answered(self) -> bool:
        """Return whether the broker answered the last question."""
        return self._ping_t == 0

    def has_pending(self) -> bool:
        """Return whether the encryption holds data that the socket does not show any more."""
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def _has_more(self, size: int) -> bool:
        return size == READ_SIZE or self.has_pending()

    def _take_packets(self) -> MQTTErrorCode:
        buffer, at = self._buffer, 0
        try:
            while (found := _extent(buffer, at)) is not None:
                start, end = found
                command, body = buffer[at], bytes(memoryview(buffer)[start:end])
                at = end
                code = self._take_publish(command, body) if command & 0xF0 == PUBLISH else self._give(command, body)
                if code != SUCCESS:
                    return code
                if self._sock is None:
                    return SUCCESS
        except ValueError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            del buffer[:at]
        return SUCCESS

    def _take_publish(self, command: int, body: bytes) -> MQTTErrorCode:
        quality = command >> 1 & 3
        length = len(body)
        at = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:at]
        number = 0
        if quality:
            number = int.from_bytes(body[at : at + 2], "big")
            at += 2
        if self._protocol == paho.MQTTv5:
            size, at = _varint(body, at)
            at += size
        if quality > 1 or at > length:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self._take_message(number, topic.decode(errors="replace"), body[at:])
        return SUCCESS

    def _give(self, command: int, body: bytes) -> MQTTErrorCode:
        """Let paho handle a packet that is no message."""
        packet: Any = {
            "command": command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        self._in_packet = packet
        return self._packet_handle()


def _extent(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """Return where the body of the packet at `at` starts and ends; None while it is not there as a whole.

    Raises:
        ValueError: for a length that no packet has.
    """
    length, shift = 0, 0
    for start in range(at + 1, min(at + 5, len(buffer))):
        length |= (buffer[start] & 0x7F) << shift
        if not buffer[start] & 0x80:
            end = start + 1 + length
            return (start + 1, end) if end <= len(buffer) else None
        shift += 7
    if len(buffer) >= at + 5:
        raise ValueError("The length of a packet has more than four bytes.")
    return None


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to four bytes, and where it ends.

    Raises:
        ValueError: for what is none.
    """
    number = 0
    for index in range(4):
        if at + index >= len(body):
            break
        number |= (body[at + index] & 0x7F) << 7 * index
        if not body[at + index] & 0x80:
            return number, at + index + 1
    raise ValueError("A packet ends within a number.")
