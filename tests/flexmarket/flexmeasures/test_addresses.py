"""Which servers may be asked: nobody reaches our own network by an address that he enters."""

import pytest
from django.test import override_settings

from flexmarket.flexmeasures.addresses import AddressRefusedError, address_of, checked_server, ip_address, is_public

PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "64:ff9b::7f00:1",
)


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_of_our_own_network_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://fm.example.com", "https only"),
        ("https://127.0.0.1", "public address"),
        ("https://[::1]:8443", "public address"),
        ("https://[::ffff:10.0.0.1]", "public address"),
        ("https://169.254.169.254/latest", "no path"),
        ("https://169.254.169.254", "public address"),
        ("https://user:word@fm.example.com", "user or password"),
        ("https://fm.example.com/api", "no path"),
        ("https://fm.example.com?x=1", "no path"),
        ("ftp://fm.example.com", "https://"),
        ("file:///etc/passwd", "https://"),
        ("fm.example.com", "https://"),
        ("https://", "https://"),
        ("https://fm.example.com:99999", "https://"),
        ("https://ä.example", "https://"),
        ("https://" + "a" * 300, "https://"),
    ],
)
def test_what_is_no_server_of_the_internet_is_refused(url: str, why: str) -> None:
    with pytest.raises(AddressRefusedError, match=why):
        checked_server(url)


def test_an_address_is_stored_in_one_form() -> None:
    assert checked_server(" https://FM.example.com/ ").url == "https://fm.example.com"
    assert checked_server("https://fm.example.com:8443").url == "https://fm.example.com:8443"
    assert checked_server("https://[2606:2800:220:1::1]").url == "https://[2606:2800:220:1::1]"


@pytest.mark.parametrize("found", [["10.0.0.5"], ["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"]])
def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    with pytest.raises(AddressRefusedError, match="not public"):
        address_of(checked_server("https://fm.example.com"), lambda _host, _port: found)


def test_a_public_name_gives_the_address_to_connect_to() -> None:
    found = address_of(checked_server("https://fm.example.com"), lambda _host, _port: ["93.184.216.34"])
    assert found == "93.184.216.34"


def test_the_deployment_may_list_hosts_that_may_be_private_and_without_tls() -> None:
    with override_settings(FLEXMEASURES_ALLOWED_HOSTS=["fm.local", "10.0.0.5:5000"]):
        assert address_of(checked_server("http://fm.local:5000"), lambda _host, _port: ["10.0.0.9"]) == "10.0.0.9"
        assert checked_server("http://10.0.0.5:5000").trusted
        for other in ("http://10.0.0.5:5001", "http://10.0.0.6:5000", "http://sub.fm.local"):
            with pytest.raises(AddressRefusedError):
                checked_server(other)
