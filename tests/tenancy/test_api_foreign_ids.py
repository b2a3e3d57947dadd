"""Ids of another organization in bodies, filters and keys of the API; what takes an id is found, not listed.

Every integer, and everything that is called like a row, names a row or is a number that is known here.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from django.core.cache import cache as counted
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tests.conftest import People
from tests.tenancy.conftest import World
from tests.tenancy.operations import OPERATIONS

pytestmark = pytest.mark.one_database

# What names a row, and the resource that lists such rows.
ROWS = {
    "asset": "assets",
    "channel": "channels",
    "contract": "contracts",
    "delivery": "deliveries",
    "line": "statement-lines",
    "offer": "market-offers",
    "order": "orders",
    "part_of_offer": "market-offers",
    "part_of_order": "orders",
    "portfolio": "portfolios",
    "portfolio_run": "portfolio-runs",
    "price_series": "price-series",
    "product": "market-products",
    "run": "schedule-runs",
    "scenario": "scenarios",
    "scenario_run": "scenario-runs",
    "series": "price-series",
    "site": "sites",
    "statement": "statements",
    "tariff": "tariffs",
}
NUMBERS = {
    "count",
    "days",
    "evaluations",
    "first",
    "gate_closure_minutes",
    "interval_minutes",
    "maximum_minutes",
    "minimum_minutes",
    "most_calls_per_day",
    "page_size",
    "points",
    "population",
    "profile_step_minutes",
    "rest_minutes",
    "seed",
    "step",
    "step_minutes",
    "step_seconds",
}
# A channel is named by its id, or by what it is about.
INSTEAD_OF = {"channel": ("site", "asset", "quantity")}
# A contract is about a site, or about a portfolio.
EITHER = {("contracts", "portfolio"): {"site": None}}
KEY = "Idempotency-Key"


@cache
def description() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description()["paths"].items():
        yield from ((path, method, found) for method, found in methods.items())


def fields(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every field of a body that a caller may write, by its path."""
    if "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from fields(part, path)
    for name, found in schema.get("properties", {}).items():
        if not found.get("readOnly"):
            yield (*path, name), found
            yield from fields(found, (*path, name))
    if "items" in schema:
        yield from fields(schema["items"], path)


def names_a_row(name: str, schema: Mapping[str, Any]) -> bool:
    """Return whether a field takes an id; fails for one of which that is not known."""
    if name in ROWS and schema.get("type") != "array":
        return True
    whole = "integer" in str([schema.get(each) for each in ("type", "oneOf", "anyOf")])
    assert not whole or name in NUMBERS, f"{name} needs a line in this file"
    return False


def in_bodies() -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (method, path, field)
        for path, method, operation in described()
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
        if media == "application/json"
        for field, schema in fields(content["schema"])
        if names_a_row(field[-1], schema)
    ]


def in_queries() -> list[tuple[str, str]]:
    return [
        (path, parameter["name"])
        for path, _method, operation in described()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and names_a_row(parameter["name"], parameter["schema"])
    ]


class Ids:
    """The newest row of each resource, as its own organization lists it."""

    def __init__(self, client: APIClient) -> None:
        self.routes = {each.resource: each.route for each in OPERATIONS if each.action == "list"}
        self.client = client

    def __call__(self, name: str) -> int:
        return self.of(ROWS[name])

    def of(self, resource: str) -> int:
        return int(self.client.get(self.routes[resource]).json()["results"][0]["id"])

    def address(self, path: str) -> str:
        """Return the address of one of its rows."""
        resource = path.removeprefix("/api/v1/").partition("/{id}")[0].replace("/", "-")
        return path.replace("{id}", str(self.of(resource))) if "{id}" in path else path


@pytest.fixture
def mine(people: People, world: World, of_a: APIClient) -> Ids:
    counted.clear()
    return Ids(of_a)


@pytest.fixture
def theirs(people: People, foreign: World, of_b: APIClient) -> Ids:
    return Ids(of_b)


def example(path: str, method: str) -> Any:
    return deepcopy(description()["paths"][path][method]["requestBody"]["content"]["application/json"]["example"])


def with_ids(value: Any, ids: Ids) -> Any:
    """Return an example with rows that there are."""
    if isinstance(value, list):
        return [with_ids(each, ids) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: ids(name) if name in ROWS and isinstance(each, int) else with_ids(each, ids)
        for name, each in value.items()
    }


def put(body: Any, field: tuple[str, ...], pk: int) -> None:
    """Let a field of a body name a row."""
    name, *rest = field
    if rest:
        put(body[name][0] if isinstance(body[name], list) else body[name], tuple(rest), pk)
        return
    for other in INSTEAD_OF.get(name, ()):
        body.pop(other, None)
    if name == "asset" or name in {each for several in INSTEAD_OF.values() for each in several}:
        body.pop("channel", None)
    body[name] = pk


def named_in(answer: Any) -> set[str]:
    """Return the fields that an answer finds wrong."""
    errors = answer.json().get("errors", ()) if answer.status_code >= 400 else ()
    return {error["field"].rpartition(".")[2] for error in errors}


@pytest.mark.parametrize(("method", "path", "field"), in_bodies())
def test_a_body_names_no_foreign_row(mine: Ids, theirs: Ids, method: str, path: str, field: tuple[str, ...]) -> None:
    def answer(pk: int) -> Any:
        body = {} if method == "patch" else with_ids(example(path, method), mine)
        put(body, field, pk)
        body |= EITHER.get((path.split("/")[3], field[-1]), {})
        with transaction.atomic():
            found = getattr(mine.client, method)(mine.address(path), body, format="json", headers={KEY: "k"})
            transaction.set_rollback(True)
        return found

    refused = answer(theirs(field[-1]))
    assert refused.status_code == 400, refused.content
    assert field[-1] in named_in(refused), refused.content
    assert field[-1] not in named_in(answer(mine(field[-1])))


@pytest.mark.parametrize(("path", "name"), in_queries())
def test_a_filter_names_no_foreign_row(mine: Ids, theirs: Ids, path: str, name: str) -> None:
    needed = {
        each["name"]: each["schema"]["enum"][0]
        for each in description()["paths"][path]["get"]["parameters"]
        if each.get("required") and "enum" in each["schema"]
    }
    refused = mine.client.get(mine.address(path), {**needed, name: theirs(name)})
    assert (refused.status_code, named_in(refused)) == (400, {name}), refused.content
    assert name not in named_in(mine.client.get(mine.address(path), {**needed, name: mine(name)}))


def keyed() -> list[str]:
    return [
        path
        for path, method, operation in described()
        if method == "post" and any(each["name"] == KEY for each in operation.get("parameters", ()))
    ]


@pytest.mark.parametrize("path", keyed())
def test_a_key_of_another_organization_means_nothing(mine: Ids, theirs: Ids, path: str) -> None:
    def answer(ids: Ids) -> Any:
        media = description()["paths"][path]["post"].get("requestBody", {}).get("content", {})
        body = with_ids(example(path, "post"), ids) if "application/json" in media else None
        return ids.client.post(ids.address(path), body, format="json", headers={KEY: "the same key"})

    first, second = answer(mine), answer(theirs)
    assert "Idempotency-Replayed" not in second.headers
    assert second.status_code == first.status_code, (first.content, second.content)
    if first.status_code < 400 and isinstance(first.json(), dict) and "id" in first.json():
        assert first.json()["id"] != second.json()["id"]
