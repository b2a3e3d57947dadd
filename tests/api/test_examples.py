"""Every operation of the description has an example, and the examples are true."""

from typing import Any

import pytest
from django.test.utils import override_settings
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from flexplatform.api.registry import api_resources
from flexplatform.api.rows import RowViewSet
from tests.conftest import People
from tests.factories import PortfolioFactory, PriceSeriesFactory, SiteFactory, TariffFactory

pytestmark = pytest.mark.one_database

METHODS = ("get", "post", "patch", "delete", "put")
FILES = {"application/octet-stream", "application/zip"}


def description() -> dict[str, Any]:
    found: dict[str, Any] = APIClient().get("/api/v1/schema/?format=json").json()
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


@pytest.mark.django_db
def test_every_operation_has_true_examples() -> None:
    schema = description()
    found = operations(schema)
    missing, wrong = [], []
    for name, operation in found:
        answers = [body for code, body in operation["responses"].items() if code.startswith("2")]
        assert len(answers) == 1, name
        for media_type, content in {
            **operation.get("requestBody", {}).get("content", {}),
            **{f"{kind} answer": each for kind, each in answers[0].get("content", {}).items()},
        }.items():
            if media_type.removesuffix(" answer") in FILES:
                continue
            if "example" not in content:
                missing.append(f"{name} {media_type}")
                continue
            body = {**content["schema"], "components": schema["components"]}
            wrong += [f"{name} {media_type}: {error.message}" for error in _errors(body, content["example"])]
    assert (missing, wrong) == ([], [])
    assert len(found) > 80


@pytest.mark.django_db
def test_every_operation_says_how_it_refuses() -> None:
    for name, operation in operations(description()):
        codes = set(operation["responses"])
        assert {"400", "401", "403", "406", "429"} <= codes, name
        for code, response in operation["responses"].items():
            assert ("application/problem+json" in response.get("content", {})) == (code >= "400"), (name, code)


def _errors(schema: dict[str, Any], example: Any) -> list[Any]:
    return list(Draft202012Validator(schema).iter_errors(example))


ROWS = [each.name for each in api_resources if issubclass(each.viewset, RowViewSet)]


@pytest.mark.parametrize("name", ROWS)
def test_the_examples_of_rows_are_taken_as_they_stand(people: People, of_a: APIClient, name: str) -> None:
    (viewset,) = (each.viewset for each in api_resources if each.name == name)
    assert issubclass(viewset, RowViewSet)
    example = viewset.example_of("create")
    assert example is not None
    rows = {
        "portfolio": lambda: PortfolioFactory(organization=people.a),
        "site": lambda: SiteFactory(organization=people.a),
        "tariff": lambda: TariffFactory(organization=people.a),
        "series": lambda: PriceSeriesFactory(organization=people.a),
    }
    own = {field: make().pk for field, make in rows.items() if example.request.get(field)}
    made = of_a.post(
        f"/api/v1/{name}/", {**example.request, **own}, format="json", headers={"Idempotency-Key": "example"}
    )
    assert made.status_code == 201, made.json()
    assert made.json() == {**example.answer, **own, "id": made.json()["id"]}


@override_settings(SECURE_SSL_REDIRECT=False)
@pytest.mark.django_db
def test_lists_name_their_filters() -> None:
    get = description()["paths"]["/api/v1/assets/"]["get"]
    found = {parameter["name"]: parameter for parameter in get["parameters"]}
    assert set(found) == {"site", "portfolio", "kind", "ordering", "cursor", "page_size"}
    assert "battery" in found["kind"]["schema"]["enum"]
    post = description()["paths"]["/api/v1/schedule-runs/"]["post"]
    (key,) = (parameter for parameter in post["parameters"] if parameter["name"] == "Idempotency-Key")
    assert (key["required"], key["in"]) == (True, "header")
