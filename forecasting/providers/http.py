"""The one way out to providers: hosts of a fixed list only, with limits of time and size, tried again with back-off."""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

HOSTS = frozenset(
    {
        "api.open-meteo.com",
        "customer-api.open-meteo.com",
        "api.energy-charts.info",
        "web-api.tp.entsoe.eu",
    }
)
SECONDS = 30
OK = 200
MOST_BYTES = 20_000_000
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
MOST_SHOWN = 200


class HttpError(RuntimeError):
    """No usable answer, and why, without the address, as that may hold a key; `status` and `body` where it has any."""

    def __init__(self, text: str, status: int | None = None, body: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.body = body


class Http:
    """A client for one run of requests; use it as a context. Tests give it a `transport` and no pauses."""

    def __init__(
        self, transport: "httpx.BaseTransport | None" = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        # Loaded where it is used: it would cost every command of manage.py 0.15 s.
        import httpx

        self._client = httpx.Client(
            transport=transport, timeout=SECONDS, follow_redirects=False, headers={"User-Agent": "FlexPlatform"}
        )
        self._pause = pause

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def text(self, url: str, params: Mapping[str, str]) -> str:
        """Return the body of an answer 200.

        Raises:
            ValueError: for an address that is not on the list.
            HttpError: for anything else, after as many attempts as make sense.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc not in HOSTS:
            raise ValueError(f"{parts.scheme}://{parts.netloc} is no provider; allowed: https:// and one of {HOSTS}.")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(url, params)
            except _PassingError as error:
                if attempt == ATTEMPTS:
                    raise HttpError(f"{error} ({ATTEMPTS} attempts)", error.status) from None
                self._pause(min(error.wait or FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS))
        raise AssertionError("unreachable")

    def json(self, url: str, params: Mapping[str, str]) -> Any:
        """Return the parsed body of an answer 200; raises as `text`."""
        body = self.text(url, params)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise HttpError("answered with what is no JSON") from None

    def _once(self, url: str, params: Mapping[str, str]) -> str:
        import httpx

        # What httpx raises names the address, key and all: it must not become the cause of what is raised here.
        try:
            with self._client.stream("GET", url, params=dict(params)) as answer:
                body = _limited(answer)
        except httpx.TimeoutException:
            raise _PassingError("did not answer in time") from None
        except httpx.TransportError as error:
            raise _PassingError(f"could not be reached ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise HttpError(f"gave no answer ({type(error).__name__})") from None
        if answer.status_code in TRY_AGAIN:
            raise _PassingError(_said(answer), answer.status_code, _asked_to_wait(answer))
        if answer.status_code != OK:
            raise HttpError(_said(answer), answer.status_code, body)
        return body


class _PassingError(Exception):
    """A failure that may be gone in a moment; `wait` in seconds where the server says how long."""

    def __init__(self, text: str, status: int | None = None, wait: float = 0.0) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait


def _limited(answer: "httpx.Response") -> str:
    """Return the body; the limit holds for what it is after decompression."""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HttpError(f"answered with more than {MOST_BYTES // 1_000_000} MB")
    return body.decode("utf-8", errors="replace")


def _said(answer: "httpx.Response") -> str:
    return f"answered {answer.status_code} {answer.reason_phrase}".strip()[:MOST_SHOWN]


def _asked_to_wait(answer: "httpx.Response") -> float:
    try:
        return max(float(answer.headers.get("Retry-After", "0")), 0.0)
    except ValueError:
        return 0.0
