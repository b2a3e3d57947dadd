import gzip
import logging

import httpx
import pytest

from forecasting.providers import http as limits
from forecasting.providers.http import HOSTS, Http, HttpError
from tests.forecasting.providers.answers import client

URL = "https://api.open-meteo.com/v1/forecast"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.open-meteo.com/v1/forecast",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://api.open-meteo.com:8443/",
        "https://api.open-meteo.com@evil.example/",
        "https://api.open-meteo.com.evil.example/",
        "file:///etc/passwd",
    ],
)
def test_only_known_hosts_are_asked(url: str) -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with client(never) as http, pytest.raises(ValueError, match="is no provider"):
        http.text(url, {})


def test_every_host_that_may_be_asked_is_public() -> None:
    assert all("." in host and not host.endswith((".local", ".internal")) for host in HOSTS)


def test_a_redirect_is_not_followed() -> None:
    moved = httpx.Response(302, headers={"Location": "http://127.0.0.1/"})
    with client(moved) as http, pytest.raises(HttpError, match="answered 302 Found"):
        http.text(URL, {})


def test_what_may_pass_is_tried_again_with_growing_pauses() -> None:
    pauses: list[float] = []
    answers = [httpx.Response(503), httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, text="well")]
    with client(*answers, pauses=pauses) as http:
        assert http.text(URL, {}) == "well"
    assert pauses == [1.0, 7.0]


def test_a_limit_of_calls_that_stays_is_told_after_a_few_attempts() -> None:
    pauses: list[float] = []
    limited = client(httpx.Response(429, headers={"Retry-After": "99999"}), pauses=pauses)
    told = r"answered 429 Too Many Requests \(4 attempts\)"
    with limited as http, pytest.raises(HttpError, match=told) as raised:
        http.text(URL, {})
    assert raised.value.status == 429
    assert pauses == [30.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError("no route to https://host/?apikey=secret"), "could not be reached"),
        (httpx.ReadTimeout("https://host/?apikey=secret"), "did not answer in time"),
    ],
)
def test_a_provider_that_is_down_is_told_without_its_address(error: Exception, told: str) -> None:
    def down(_request: httpx.Request) -> httpx.Response:
        raise error

    with client(down) as http, pytest.raises(HttpError, match=told) as raised:
        http.text(URL, {"apikey": "secret"})
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_an_answer_that_is_too_large_is_refused_also_when_it_comes_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES", 1_000_000)
    packed = gzip.compress(b" " * 1_000_001)
    assert len(packed) < 10_000
    answer = httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})
    with client(answer) as http, pytest.raises(HttpError, match="more than 1 MB"):
        http.text(URL, {})


@pytest.mark.parametrize("body", ["", "<html>", '{"a": ', "[" * 100_000])
def test_what_is_no_json_is_told(body: str) -> None:
    with client(httpx.Response(200, text=body)) as http, pytest.raises(HttpError, match="what is no JSON"):
        http.json(URL, {})


def test_a_request_has_a_limit_of_time() -> None:
    with Http() as http:
        assert http._client.timeout.read == limits.SECONDS <= 60


def test_addresses_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=""), client(httpx.Response(200, text="{}")) as http:
        http.text(URL, {"apikey": "secret"})
    assert "secret" not in caplog.text
