"""How often a token may call, how large a body may be, and that no page of another site may ask."""

from pathlib import Path
from unittest.mock import patch

import pytest
from django.test.utils import override_settings
from redis.exceptions import ConnectionError as NoRedisError
from rest_framework.test import APIClient

from flexplatform.api import throttling
from flexplatform.embedded.valkey import running_valkey
from tests.api.conftest import caller
from tests.conftest import People

DATABASE_CACHE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}


@override_settings(API_RATE="2/hour")
def test_a_token_that_calls_too_often_waits(people: People) -> None:
    with patch.object(throttling.time, "time", lambda: 3600 * 500_000 + 600.5):
        client, other = caller(people.a, people.alice), caller(people.a, people.alice)
        first, second, third = (client.get("/api/v1/token/") for _ in range(3))
        assert [answer["RateLimit-Remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
        assert {(answer["RateLimit-Limit"], answer["RateLimit-Reset"]) for answer in (first, third)} == {("2", "3000")}
        assert (third.status_code, third["Content-Type"]) == (429, "application/problem+json")
        assert third["Retry-After"] == "3000"
        assert other.get("/api/v1/token/").status_code == 200
    with patch.object(throttling.time, "time", lambda: 3600 * 500_001):
        assert client.get("/api/v1/token/")["RateLimit-Remaining"] == "1"


@override_settings(API_RATE="2/hour")
def test_processes_count_together_through_the_database(people: People) -> None:
    client = caller(people.a, people.alice)
    shared = {"default": DATABASE_CACHE}
    with override_settings(CACHES=shared):
        codes = [client.get("/api/v1/token/").status_code for _ in range(2)]
    with override_settings(CACHES=shared):
        codes.append(client.get("/api/v1/token/").status_code)
    assert codes == [200, 200, 429]


@override_settings(API_RATE="2/hour")
def test_processes_count_together_through_redis(people: People, tmp_path: Path) -> None:
    client = caller(people.a, people.alice)
    with running_valkey(tmp_path) as server:
        shared = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": server.url}
        codes = []
        for _ in range(3):
            with override_settings(CACHES={"default": shared}):
                codes.append(client.get("/api/v1/token/").status_code)
    assert codes == [200, 200, 429]


def test_a_cache_that_is_away_stops_nobody(people: People) -> None:
    client = caller(people.a, people.alice)
    with patch.object(throttling, "cache") as cache:
        cache.add.side_effect = NoRedisError
        assert client.get("/api/v1/token/").status_code == 200


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_body_that_is_too_large_is_refused(people: People, of_a: APIClient, method: str) -> None:
    path = "/api/v1/portfolios/"
    if method == "patch":
        path += f"{of_a.post(path, {'name': 'North'}, format='json').json()['id']}/"
    answer = getattr(of_a, method)(path, {"name": "x" * 100}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


def test_a_body_that_is_nested_too_deeply_is_refused(of_a: APIClient) -> None:
    answer = of_a.post("/api/v1/portfolios/", "[" * 100_000, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["token/", "sites/", "schema/", "docs/", "nothing/"])
def test_no_page_of_another_site_may_ask(people: People, of_a: APIClient, path: str) -> None:
    for method in ("get", "options", "post"):
        answer = getattr(of_a, method)(
            f"/api/v1/{path}", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert not [name for name in answer.headers if name.lower().startswith("access-control")], (method, path)
