"""Filters, ordering and pages of lists."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.test_doors import LISTS
from tests.conftest import People
from tests.factories import PortfolioFactory, SiteFactory, planned_site


def test_what_is_no_filter_is_refused_by_name(of_a: APIClient) -> None:
    for name in LISTS:
        answer = of_a.get(f"/api/v1/{name}/?colour=red&page_size=5")
        assert answer.status_code == 400, name
        (error,) = answer.json()["errors"]
        assert error["field"] == "colour", name
        assert error["message"].startswith("No filter here; allowed: "), name
        assert error["message"].endswith("ordering, cursor, format, page_size."), name
        ordered = of_a.get(f"/api/v1/{name}/?ordering=colour")
        assert ordered.json()["errors"][0]["message"].startswith("ordering is colour; allowed: id, -id"), name


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("jobs/?status=lost", "status is lost; allowed: queued, running, succeeded, failed, cancelled."),
        ("audit-events/?since=monday", "since is monday; allowed: a time such as 2026-01-31T12:00:00Z."),
        ("audit-events/?until=2026-01-31", "until is 2026-01-31; allowed: a time such as 2026-01-31T12:00:00Z."),
        ("schedule-runs/?site=x", "site is x; allowed: the id of a site of A."),
        ("offers/?run=1", "run is 1; allowed: the id of a schedule run of A."),
        (f"offers/?run={10**30}", f"run is {10**30}; allowed: the id of a schedule run of A."),
        ("sites/?page_size=many", "page_size is many; allowed: 1 to 1000."),
        ("sites/?page_size=0", "page_size is 0; allowed: 1 to 1000."),
        (f"sites/?page_size={10**6}", f"page_size is {10**6}; allowed: 1 to 1000."),
        ("sites/?name=a%00b", "name is the character 0; allowed: text."),
    ],
)
def test_what_is_no_value_of_a_filter_is_refused(of_a: APIClient, path: str, message: str) -> None:
    answer = of_a.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, message)


@pytest.mark.parametrize("offset", ["Z", "+20:33", "-23:59"])
def test_any_offset_of_a_time_is_understood(of_a: APIClient, offset: str) -> None:
    assert of_a.get(f"/api/v1/forecasts/?known_at=7206-08-09T08:38:14{offset}").status_code == 200


def test_each_declared_order_is_one_that_the_list_has(of_a: APIClient) -> None:
    for name in LISTS:
        message = of_a.get(f"/api/v1/{name}/?ordering=x").json()["errors"][0]["message"]
        for order in message.partition("allowed: ")[2].rstrip(".").split(", "):
            assert of_a.get(f"/api/v1/{name}/?ordering={order}").status_code == 200, (name, order)


@pytest.mark.parametrize(
    "cursor", ["x", "cD14", "cj0xJnA9eA==", "bz05OTk5OTk5OTk5OTk5OTk5OTk5", "cD0xMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA=="]
)
@pytest.mark.parametrize("name", ["sites", "schedule-runs", "assets/battery"])
def test_a_cursor_that_is_none_is_not_found(people: People, of_a: APIClient, name: str, cursor: str) -> None:
    planned_site(people.a)
    for order in ("-id", "start" if name == "schedule-runs" else "name"):
        assert of_a.get(f"/api/v1/{name}/?cursor={cursor}&ordering={order}").status_code in (200, 404)


@pytest.mark.parametrize("order", ["name", "-name", "id", "-id"])
def test_pages_follow_the_order_through_ties(people: People, of_a: APIClient, order: str) -> None:
    portfolio = PortfolioFactory(organization=people.a)
    names = ["b", "a", "a", "a", "b", "a", "c"]
    rows = [SiteFactory(organization=people.a, portfolio=portfolio, name=name) for name in names]
    found: list[Any] = []
    url: str | None = f"/api/v1/sites/?page_size=2&ordering={order}"
    while url:
        page = of_a.get(url).json()
        found += [(row["name"], row["id"]) for row in page["results"]]
        url = page["next"]
    expected = [(row.name, row.pk) for row in rows]
    if order.endswith("id"):
        expected.sort(key=lambda pair: pair[1], reverse=order == "-id")
    else:
        expected.sort(reverse=order.startswith("-"))
    assert found == expected


def test_filters_are_combined(people: People, of_a: APIClient) -> None:
    site, run = planned_site(people.a, slug="one", name="One")
    planned_site(people.a, slug="two", name="Two")
    assert [row["id"] for row in of_a.get(f"/api/v1/schedule-runs/?site={site.pk}").json()["results"]] == [run.pk]
    before = of_a.get(f"/api/v1/schedule-runs/?site={site.pk}&start_before=2026-01-01T00:00:00Z")
    assert before.json()["results"] == []
    found = of_a.get("/api/v1/schedule-runs/?start_from=2026-11-22T00:00:00%2B01:00&status=optimal").json()["results"]
    assert len(found) == 2
    assert [row["run"] for row in of_a.get(f"/api/v1/offers/?site={site.pk}&kind=battery").json()["results"]] == [
        run.pk
    ]
    assert of_a.get("/api/v1/sites/?slug=two").json()["results"][0]["name"] == "Two"


def test_offers_and_runs_are_tables_too(people: People, of_a: APIClient) -> None:
    _site, run = planned_site(people.a)
    text = of_a.get(f"/api/v1/schedule-runs/{run.pk}/", headers={"Accept": "text/csv"}).content.decode()
    assert text.splitlines()[0] == (
        "time,input.site.import_eur_per_kwh,plan.site.grid_power_kw,plan.site.heat_surplus_kw,"
        "plan.battery.power_kw,plan.battery.soc_percent,plan.load.power_kw"
    )
    assert text.splitlines()[1] == "2026-11-21T23:00:00Z,0.3,2.0,0.0,1.0,50.0,1.0"
    offers = of_a.get(f"/api/v1/offers/?run={run.pk}&format=csv").content.decode().splitlines()
    assert offers[0].startswith("time,battery.scheduled_power_kw,battery.positive_power_kw,")
    assert len(offers) == 5
    (pk,) = (row["id"] for row in of_a.get(f"/api/v1/offers/?run={run.pk}").json()["results"])
    assert of_a.get(f"/api/v1/offers/{pk}/?format=csv").content.decode().splitlines() == offers
    assert of_a.get("/api/v1/offers/?format=csv").json()["errors"][0]["field"] == "run"
    assert of_a.get(f"/api/v1/offers/?run={run.pk}&device=none&format=csv").status_code == 404
    refused = of_a.get("/api/v1/sites/", headers={"Accept": "text/csv"})
    assert (refused.status_code, refused["Content-Type"]) == (406, "application/problem+json")
