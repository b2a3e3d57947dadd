"""The HTTP border of FlexMeasures in tests: a little server in memory, and clients that ask it without pauses.

It answers as the real one was seen to; `tests/flexmeasures_server` runs against that.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx

from flexmarket.flexmeasures.adapter import Account, Adapter
from flexmarket.flexmeasures.addresses import Resolver, checked_server

PUBLIC = "93.184.216.34"
URL = "https://fm.example.com"
ACCOUNT = Account("robot@example.com", "a secret of ours")
Handler = Callable[[httpx.Request], httpx.Response]


def adapter(
    handler: Handler,
    *,
    pauses: list[float] | None = None,
    resolver: Resolver = lambda _host, _port: [PUBLIC],
    url: str = URL,
    account: Account = ACCOUNT,
) -> Adapter:
    """Return a client whose requests a function answers; `pauses` takes the seconds that it would have waited."""
    noted = pauses if pauses is not None else []
    return Adapter(
        checked_server(url), account, transport=httpx.MockTransport(handler), resolver=resolver, pause=noted.append
    )


def in_turn(*answers: httpx.Response) -> Handler:
    """Return a server that gives a token, and then one answer after the other."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/requestAuthToken":
            return httpx.Response(200, json={"auth_token": "token", "user_id": 7})
        return left.pop(0)

    return handle


class LittleServer:
    """Assets, sensors and posts in memory; `refuse` names assets of which posts fail, `posts` are those that came."""

    def __init__(self) -> None:
        self.assets: dict[int, dict[str, Any]] = {}
        self.sensors: dict[int, dict[str, Any]] = {}
        self.posts: list[tuple[str, str, dict[str, Any]]] = []
        self.refuse: set[str] = set()
        self.changed: list[dict[str, Any]] = []
        self.replaced = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        words = [word for word in request.url.path.split("/") if word][1:]
        body = json.loads(request.content) if request.content else {}
        if words == ["requestAuthToken"]:
            return httpx.Response(200, json={"auth_token": "token", "user_id": 7})
        if request.headers.get("Authorization") != "token":
            return httpx.Response(401, json={"status": "UNAUTHORIZED"})
        return self._routed(request.method, words[1:], dict(request.url.params), body)

    def delete(self, name: str) -> None:
        """Delete an asset of this name and its sensors, as a person may there."""
        (pk,) = (pk for pk, each in self.assets.items() if each["name"] == name)
        del self.assets[pk]
        self.sensors = {key: each for key, each in self.sensors.items() if each["generic_asset_id"] != pk}

    def _routed(self, method: str, words: list[str], params: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        match method, words:
            case "GET", ["users", _]:
                return httpx.Response(200, json={"account_id": 3})
            case "GET", ["assets", "types"]:
                names = ["solar", "battery", "building", "process"]
                return httpx.Response(200, json=[{"id": pk, "name": name} for pk, name in enumerate(names, 1)])
            case "GET", ["assets"]:
                return httpx.Response(200, json={"data": list(self.assets.values())})
            case "POST", ["assets"]:
                return self._made(self.assets, body)
            case "GET", ["sensors"]:
                of_asset = int(params["asset_id"])
                if of_asset not in self.assets:
                    return httpx.Response(422, json={"message": f"No asset found with ID {of_asset}."})
                found = [each for each in self.sensors.values() if each["generic_asset_id"] == of_asset]
                return httpx.Response(200, json=found)
            case "POST", ["sensors"]:
                return self._made(self.sensors, body)
            case "PATCH", ["assets", pk]:
                self.changed.append(body)
                return httpx.Response(200 if int(pk) in self.assets else 404, json={})
            case "POST", ["sensors", pk, "data"]:
                return self._posted(int(pk), body)
        return httpx.Response(404, json={"message": f"{method} {words}"})

    def _made(self, table: dict[int, dict[str, Any]], body: dict[str, Any]) -> httpx.Response:
        pk = len(self.assets) + len(self.sensors) + 100
        table[pk] = {**body, "id": pk}
        return httpx.Response(201, json=table[pk])

    def _posted(self, pk: int, body: dict[str, Any]) -> httpx.Response:
        if pk not in self.sensors:
            return httpx.Response(404, json={"message": f"Sensor {pk} not found"})
        sensor = self.sensors[pk]
        name = self.assets[sensor["generic_asset_id"]]["name"]
        if name in self.refuse:
            return httpx.Response(422, json={"message": "Required unit for this sensor is MW."})
        if self.replaced:
            self.replaced = False
            return httpx.Response(403, json={"message": "a replacement", "status": "INVALID_REPLACEMENT"})
        self.posts.append((name, sensor["name"], body))
        return httpx.Response(200, json={"status": "PROCESSED"})
