"""Rows, work and files through the API."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from assets.models import Site
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from tests.conftest import People
from tests.factories import planned_site

PLACE = {"latitude": 48.1, "longitude": 11.5}


def make(client: APIClient, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"/api/v1/{path}/", body, format="json", headers=headers)


def test_a_site_from_its_making_to_its_end(people: People, of_a: APIClient) -> None:
    portfolio = make(of_a, "portfolios", {"name": "North"}).json()["id"]
    made = make(of_a, "sites", {"portfolio": portfolio, "name": "Dachau 1", **PLACE})
    assert made.status_code == 201
    site = made.json()
    assert (site["slug"], site["time_zone"], site["portfolio"]) == ("dachau-1", "Europe/Berlin", portfolio)
    path = f"/api/v1/sites/{site['id']}/"
    assert of_a.get(path)["ETag"] == made["ETag"]
    changed = of_a.patch(path, {"import_limit_kw": 30}, format="json", headers={"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["import_limit_kw"]) == (200, 30)
    late = of_a.patch(path, {"import_limit_kw": 40}, format="json", headers={"If-Match": made["ETag"]})
    assert late.status_code == 412
    assert of_a.get(path).json()["import_limit_kw"] == 30
    blocked = of_a.delete(f"/api/v1/portfolios/{portfolio}/")
    assert (blocked.status_code, blocked.json()["detail"]) == (400, "request: North is still used by Dachau 1.")
    assert of_a.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert of_a.get(path).status_code == 404
    with organization_scope(people.a):
        events = list(AuditEvent.objects.filter(object_type="assets.site").order_by("pk"))
    assert [event.action for event in events] == ["site.create", "site.change", "site.delete"]
    assert {event.door for event in events} == {Door.API}
    listed = of_a.get("/api/v1/audit-events/?action=site.change").json()["results"]
    assert [event["after"] for event in listed] == [{"import_limit_kw": 30}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "latitude": 91}, "latitude"),
        ({"name": "x", "latitude": "north"}, "latitude"),
        ({"name": "x", "import_limit_kw": -1}, "import_limit_kw"),
        ({"name": "x", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "portfolio": 10**30}, "portfolio"),
    ],
)
def test_wrong_values_are_named_by_field_and_nothing_is_stored(
    people: People, of_a: APIClient, body: dict[str, Any], field: str
) -> None:
    portfolio = make(of_a, "portfolios", {"name": "North"}).json()["id"]
    answer = make(of_a, "sites", {"portfolio": portfolio, **PLACE, **body})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert field in {error["field"] for error in answer.json()["errors"]}
    with organization_scope(people.a):
        assert not Site.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "null"])
def test_bodies_that_are_no_object_are_refused(of_a: APIClient, body: str) -> None:
    answer = of_a.post("/api/v1/sites/", body, content_type="application/json")
    assert answer.status_code == 400


def test_a_plan_is_asked_for_once_however_often_it_is_sent(people: People, of_a: APIClient) -> None:
    site, _run = planned_site(people.a)
    body = {"site": site.pk, "day": "2026-11-22"}
    first = make(of_a, "schedule-runs", body, **{"Idempotency-Key": "k1"})
    assert first.status_code == 202
    assert first["Location"].endswith(f"/api/v1/jobs/{first.json()['id']}/")
    assert of_a.get(first["Location"]).json()["status"] == "queued"
    again = make(of_a, "schedule-runs", body, **{"Idempotency-Key": "k1"})
    assert again.json()["id"] == first.json()["id"]
    other = make(of_a, "schedule-runs", body | {"day": "2026-11-23"}, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["title"]) == (409, "The request contradicts an earlier one")
    stopped = of_a.post(f"/api/v1/jobs/{first.json()['id']}/cancel/")
    assert stopped.json()["status"] == "cancelled"
    assert [job["id"] for job in of_a.get("/api/v1/jobs/?status=cancelled").json()["results"]] == [first.json()["id"]]


@pytest.mark.parametrize(
    ("body", "key", "field"),
    [
        ({}, "", "Idempotency-Key"),
        ({"day": "tomorrow"}, "k", "day"),
        ({"day": "9999-12-31"}, "k", "day"),
        ({"site": 0}, "k", "site"),
        ({"solver": "magic"}, "k", "solver"),
        ({"gap": -1}, "k", "gap"),
        ({"time_limit": 1e9}, "k", "time_limit"),
    ],
)
def test_plans_that_cannot_be_made_are_refused(
    people: People, of_a: APIClient, body: dict[str, Any], key: str, field: str
) -> None:
    site, _run = planned_site(people.a)
    answer = make(of_a, "schedule-runs", {"site": site.pk, "day": "2026-11-22", **body}, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    with organization_scope(people.a):
        assert not Job.objects.exists()


def test_a_run_has_its_series_and_its_offers(people: People, of_a: APIClient) -> None:
    _site, run = planned_site(people.a)
    found = of_a.get(f"/api/v1/schedule-runs/{run.pk}/").json()
    assert found["series"]["plan"]["site"]["grid_power_kw"] == {
        "start": "2026-11-21T23:00:00Z",
        "step": 900,
        "values": [2.0] * 4,
    }
    (offer,) = of_a.get(f"/api/v1/offers/?run={run.pk}&device=battery").json()["results"]
    assert offer["columns"]["positive_power_kw"] == [1.0] * 4
    archive = of_a.get(f"/api/v1/offers/export/?run={run.pk}&market=alf")
    assert archive["Content-Type"] == "application/zip"
    assert ZipFile(BytesIO(archive.content)).namelist() == ["2026-11-22_batteryFlex-Angebot.csv"]
    wrong = of_a.get(f"/api/v1/offers/export/?run={run.pk}&market=moon")
    assert wrong.json()["errors"][0]["message"] == "market is moon; allowed: alf, comax."


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("name", "queries"), [("portfolios", 3), ("sites", 3), ("schedule-runs", 3), ("offers", 3), ("jobs", 3)]
)
def test_lists_cost_the_same_for_one_and_three_rows(
    people: People, of_a: APIClient, name: str, queries: int, count: int
) -> None:
    for number in range(count):
        site, _run = planned_site(people.a, name=f"Site {number}", slug=f"site-{number}")
        make(of_a, "schedule-runs", {"site": site.pk, "day": "2026-11-22"}, **{"Idempotency-Key": str(number)})
    with CaptureQueriesContext(connection) as made:
        answer = of_a.get(f"/api/v1/{name}/")
    assert len(answer.json()["results"]) == count
    assert len(made) == queries, [query["sql"][:90] for query in made]
