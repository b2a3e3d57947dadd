"""Where the broker is, from one address: `mqtt://user:password@host:port`, `mqtts://` with TLS."""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from paho.mqtt.client import MQTTv5, MQTTv311

PORTS = {"mqtt": 1883, "mqtts": 8883}
PROTOCOLS = {"5": MQTTv5, "3.1.1": MQTTv311}


@dataclass(frozen=True)
class BrokerAddress:
    """A broker, and who signs in there; `authority` is a file with certificates to trust, empty for the machine's."""

    host: str
    port: int
    username: str
    password: str
    tls: bool
    protocol: int
    authority: str = ""

    @classmethod
    def of(cls, url: str) -> "BrokerAddress":
        """Return what an address says; `?protocol=3.1.1` is for brokers without MQTT 5, `?ca=<file>` for their own TLS.

        Raises:
            ValueError: for what is no such address.
        """
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        protocol = asked.get("protocol", ["5"])[0]
        if parts.scheme not in PORTS or not parts.hostname or protocol not in PROTOCOLS:
            raise ValueError("A broker's address is mqtt://user:password@host:port, or mqtts:// with TLS.")
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=parts.scheme == "mqtts",
            protocol=PROTOCOLS[protocol],
            authority=asked.get("ca", [""])[0],
        )
