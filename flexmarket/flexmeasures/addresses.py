"""Which servers may be asked: an address that a member enters must lead to no machine of our own network."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]
HTTPS_PORT, HTTP_PORT = 443, 80
LONGEST = 200
# Gateways of these carry IPv4 addresses inside, private ones too.
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class AddressRefusedError(ValueError):
    """An address that must not be asked, and why."""


@dataclass(frozen=True)
class Server:
    """The scheme, host and port of a server; a `trusted` one is listed by the deployment."""

    scheme: str
    host: str
    port: int

    @property
    def trusted(self) -> bool:
        """Whether the deployment lists it, with or without its port, so that http and private addresses are fine."""
        listed = {each.strip().lower() for each in settings.FLEXMEASURES_ALLOWED_HOSTS}
        return not listed.isdisjoint({self.host, self.authority, f"{self._bracketed}:{self.port}"})

    @property
    def authority(self) -> str:
        """Host and port as a request's Host header names them."""
        usual = {"https": HTTPS_PORT, "http": HTTP_PORT}[self.scheme]
        return self._bracketed if self.port == usual else f"{self._bracketed}:{self.port}"

    @property
    def url(self) -> str:
        """Its address without a slash at the end."""
        return f"{self.scheme}://{self.authority}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def checked_server(url: str) -> Server:
    """Return the server of an address as a person entered it; names are not looked up yet.

    Raises:
        AddressRefusedError: says what is wrong with it, and what is allowed.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise AddressRefusedError(f"url is {text[:LONGEST]!r}; allowed: https:// and a host.") from None
    if parts.scheme not in {"https", "http"} or not host or not text.isascii() or len(text) > LONGEST:
        raise AddressRefusedError(f"url is {text[:LONGEST]!r}; allowed: https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError("url holds a user or password; allowed: https:// and a host.")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise AddressRefusedError(f"url is {text!r}; allowed: no path, query or fragment.")
    server = Server(parts.scheme, host, port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT))
    if not server.trusted:
        if server.scheme != "https":
            raise AddressRefusedError(f"url is {text!r}; allowed: https only, unless the deployment lists the host.")
        literal = _literal(host)
        if literal is not None and not is_public(literal):
            raise AddressRefusedError(f"url is {text!r}; allowed: a public address, unless the deployment lists it.")
    return server


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses that a name stands for now.

    Raises:
        OSError: where there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def address_of(server: Server, resolver: Resolver = resolve) -> str:
    """Return the one address to connect to, so that what was checked is what is asked.

    Raises:
        AddressRefusedError: where any address of the name is not public, and the deployment does not list it.
        OSError: where the name is not known.
    """
    found = resolver(server.host, server.port)
    if not found:
        raise OSError(f"{server.host} has no address")
    if not server.trusted and not all(is_public(ip_address(each.partition("%")[0])) for each in found):
        raise AddressRefusedError(f"{server.host} stands for an address that is not public.")
    return found[0]


def is_public(address: Address) -> bool:
    """Return whether an address is one of the open internet, also with regard to an IPv4 address inside of it."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or any(address in each for each in TRANSLATED):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
