"""The scenario lab in the API: two organizations, from the upload to the archive."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from flexmarket.models import ScenarioRun
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from optimization.scenarios import template
from tests.api.conftest import of_a, of_b
from tests.conftest import People
from tests.optimization.portfolios import work_off

pytestmark = pytest.mark.one_database

__all__ = ["of_a", "of_b"]

SCENARIOS, RUNS = "/api/v1/scenarios/", "/api/v1/scenario-runs/"


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


def upload(client: APIClient, data: bytes, name: str = "site.csv") -> Any:
    body = {"name": "Try", "day": "2026-11-22", "step_minutes": 60, "file_name": name}
    return client.post(SCENARIOS, {**body, "file": base64.b64encode(data).decode()}, format="json")


def ask(client: APIClient, scenario: int, key: str, **changes: Any) -> Any:
    body = {"scenario": scenario, "changes": changes}
    return client.post(RUNS, body, format="json", headers={"Idempotency-Key": key})


def test_two_organizations_try_the_same_file_and_see_only_their_own(
    people: People, in_a: None, of_a: APIClient, of_b: APIClient
) -> None:
    mine, theirs = (upload(client, template("csv")).json()["id"] for client in (of_a, of_b))
    numbers = of_a.get(f"{SCENARIOS}{mine}/").json()["numbers"]
    assert numbers["bat.capacity_kwh"] > 0
    assert numbers["connection.import_limit_kw"] is None
    first = ask(of_a, mine, "1")
    assert first.status_code == 202
    assert ask(of_a, mine, "1").json()["id"] == first.json()["id"]
    ask(of_a, mine, "2", **{"bat.capacity_kwh": 30})
    ask(of_b, theirs, "1")
    work_off()
    before, after = ScenarioRun.objects.order_by("id")
    answer = of_a.get(f"{RUNS}{after.pk}/").json()
    assert (answer["status"], answer["changes"]) == ("succeeded", {"bat.capacity_kwh": 30})
    assert len(answer["series"]["plan"]["site"]["grid_power_kw"]["values"]) == 24
    assert b"plan.bat.power_kw" in of_a.get(f"{RUNS}{after.pk}/?format=csv").content
    figures = of_a.get(f"{RUNS}{before.pk}/compare/", {"scenario_run": after.pk}).json()["figures"]
    assert figures[0]["after"] == pytest.approx(answer["summary"]["total_cost_eur"])
    assert of_a.get(f"{RUNS}{after.pk}/archive/").content.startswith(b"PK")
    assert [each["id"] for each in of_a.get(RUNS, {"scenario": mine}).json()["results"]] == [after.pk, before.pk]
    for address in (f"{RUNS}{after.pk}/", f"{RUNS}{after.pk}/archive/", f"{SCENARIOS}{mine}/"):
        assert of_b.get(address).status_code == 404
    assert ask(of_b, mine, "3").status_code == 400
    assert of_b.delete(f"{SCENARIOS}{mine}/").status_code == 404
    assert of_a.delete(f"{SCENARIOS}{mine}/").status_code == 204
    assert len(of_b.get(RUNS).json()["results"]) == 1


def test_a_bad_file_is_refused_by_its_cells(people: People, in_a: None, of_a: APIClient) -> None:
    text = template("csv").decode().replace("bat;maxpow;", "bat;maxpow;much", 1).replace("ev;eta;", "ev;eta;-", 1)
    answer = upload(of_a, text.encode())
    assert answer.status_code == 400
    told = [each["message"] for each in answer.json()["errors"]]
    assert len(told) == 2
    assert all("column value" in each and "allowed" in each for each in told)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"file_name": "x.csv", "file": "no base64!"}, "file"),
        ({"file_name": "x.csv", "file": "äöü"}, "file"),
        ({"file_name": "x.pdf", "file": "AAAA"}, "file"),
        ({}, "template"),
        ({"template": "castle"}, "template"),
        ({"template": "bat", "time_zone": "Mars"}, "time_zone"),
        ({"template": "bat", "step_minutes": 7}, "step_minutes"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_by_field(
    people: People, of_a: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = of_a.post(SCENARIOS, {"name": "x", "day": "2026-11-22", **body}, format="json")
    assert answer.status_code == 400
    assert [each["field"].partition("[")[0] for each in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("changes", [{"bat.capacity_kwh": -1}, {"nothing": 1}, {"bat.capacity_kwh": [1]}])
def test_a_number_that_cannot_be_is_refused_by_name(
    people: People, in_a: None, of_a: APIClient, changes: dict[str, Any]
) -> None:
    scenario = of_a.post(SCENARIOS, {"name": "x", "day": "2026-11-22", "template": "bat"}, format="json").json()["id"]
    answer = ask(of_a, scenario, "k", **changes)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == next(iter(changes))
    assert not ScenarioRun.objects.exists()


def test_a_run_is_quantified_by_the_chosen_method(people: People, in_a: None, of_a: APIClient) -> None:
    scenario = upload(of_a, template("csv")).json()["id"]

    def asked(key: str, **body: Any) -> Any:
        body = {"scenario": scenario, **body}
        return of_a.post(RUNS, body, format="json", headers={"Idempotency-Key": key})

    refused = asked("1", method="guess")
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (400, ["method"])
    assert asked("2", method="exact").status_code == 202
    asked("3")
    work_off()
    exact, rules = ScenarioRun.objects.order_by("id")
    assert (exact.method, rules.method) == ("exact", "opentumflex")
    offers = [of_a.get(f"{RUNS}{run.pk}/").json()["series"]["offers"] for run in (exact, rules)]
    assert offers[0]["bat"]["positive_power_kw"] != offers[1]["bat"]["positive_power_kw"]
    page = people.client("alice").get(f"/o/a/scenarios/{scenario}/", {"from": exact.pk})
    assert page.context["form"]["method"].value() == "exact"
