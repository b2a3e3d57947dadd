"""Portfolio runs in the portal, in the API and on the command line."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from optimization.models import PlannedSite, PortfolioRun
from optimization.portfolio_runs import request_portfolio_run
from tests.api.conftest import of_a, of_b
from tests.conftest import People
from tests.factories import PortfolioFactory, SiteFactory
from tests.optimization.portfolios import HORIZON, ready_sites, work_off

pytestmark = pytest.mark.one_database

__all__ = ["of_a", "of_b"]

FORM = {"day": "2026-11-22", "key": "from the page"}
PLAN = "/o/a/portfolio-runs/plan/"
RUNS = "/api/v1/portfolio-runs/"


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def run(people: People, in_a: None) -> PortfolioRun:
    """A run of two sites that were planned, and one that has no tariff."""
    ready_sites(people.a, 2)
    SiteFactory(organization=people.a, slug="bare", name="Bare")
    made = request_portfolio_run(organization=people.a, when=HORIZON)
    work_off()
    return PortfolioRun.objects.select_related("job").get(pk=made.pk)


def test_the_button_makes_one_run_however_often_it_is_pressed(people: People, in_a: None) -> None:
    ready_sites(people.a, 1)
    client = people.client("alice")
    assert b"Plan all sites</button>" in client.get("/o/a/").content
    assert b"Plan all sites</button>" not in people.client("bob").get("/o/a/").content
    first, again = client.post(PLAN, FORM), client.post(PLAN, FORM)
    run = PortfolioRun.objects.get()
    assert first["Location"] == again["Location"] == f"/o/a/portfolio-runs/{run.pk}/"
    assert run.job.requested_by == people.alice
    page = client.get(first["Location"])
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert "HX-Refresh" not in client.get(first["Location"], headers={"HX-Request": "true"})
    assert b"No results yet" in page.content
    assert "used for another request" in client.post(PLAN, {**FORM, "day": "2026-11-23"}, follow=True).content.decode()


@pytest.mark.parametrize("day", ["", "yesterday", "0001-01-01", "9999-12-31", "\0"])
def test_a_day_that_is_none_leads_back_with_the_reason(people: People, day: str) -> None:
    answer = people.client("alice").post(PLAN, {**FORM, "day": day}, follow=True)
    assert "Nothing was planned: day" in answer.content.decode()


def test_an_organization_without_sites_is_told_so(people: People) -> None:
    answer = people.client("alice").post(PLAN, FORM, follow=True).content.decode()
    assert "Nothing was planned: sites is none; allowed: at least one site of A" in answer


def test_the_page_shows_savings_first_and_why_a_site_failed(people: People, run: PortfolioRun) -> None:
    PlannedSite.objects.filter(pk=PlannedSite.objects.filter(outcome="planned").latest("id").pk).update(saving_eur=999)
    page = people.client("bob").get(f"/o/a/portfolio-runs/{run.pk}/")
    html = page.content.decode()
    assert "hx-trigger" not in html
    assert page.context["results"][0].saving_eur == 999
    assert "bare.tariffs is without one for import" in html
    failed = people.client("bob").get(f"/o/a/portfolio-runs/{run.pk}/", {"outcome": "failed"})
    assert [row.site.name for row in failed.context["results"]] == ["Bare"]
    job = people.client("bob").get(f"/o/a/jobs/{run.job.pk}/").content.decode()
    assert f"/o/a/portfolio-runs/{run.pk}/" in job


PAGE_QUERIES = 7


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_no_more_for_more_sites(
    people: People, in_a: None, count: int, django_assert_num_queries: Any
) -> None:
    ready_sites(people.a, count)
    run = request_portfolio_run(organization=people.a, when=HORIZON)
    work_off()
    client = people.client("bob")
    with django_assert_num_queries(PAGE_QUERIES):
        page = client.get(f"/o/a/portfolio-runs/{run.pk}/")
    assert len(page.context["results"]) == count


def test_the_api_asks_once_and_follows(people: People, in_a: None, of_a: APIClient, of_b: APIClient) -> None:
    sites = ready_sites(people.a, 2)
    asked = {"day": "2026-11-22", "sites": [site.pk for site in sites]}
    key = {"Idempotency-Key": "night"}
    first = of_a.post(RUNS, asked, format="json", headers=key)
    again = of_a.post(RUNS, asked, format="json", headers=key)
    assert (first.status_code, again["Idempotency-Replayed"]) == (202, "true")
    assert first.json() == again.json()
    pk = first.json()["result"]["portfolio_run"]
    assert of_a.get(f"{RUNS}{pk}/").json()["status"] == "queued"
    work_off()
    found = of_a.get(f"{RUNS}{pk}/").json()
    assert (found["status"], found["site_count"], found["planned"], found["failed"]) == ("succeeded", 2, 2, 0)
    results = of_a.get(
        "/api/v1/portfolio-run-sites/", {"portfolio_run": pk, "outcome": "planned", "ordering": "-saving_eur"}
    ).json()["results"]
    assert {row["site"] for row in results} == {site.pk for site in sites}
    assert results[0]["saving_eur"] >= results[1]["saving_eur"] > 0
    assert of_b.get(f"{RUNS}{pk}/").status_code == 404
    assert of_b.get("/api/v1/portfolio-run-sites/", {"portfolio_run": pk}).status_code == 400


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"day": "soon"}, "day"),
        ({"day": "9999-01-01"}, "day"),
        ({"portfolio": 10**30}, "portfolio"),
        ({"sites": [10**30]}, "sites"),
        ({"sites": []}, "sites"),
        ({"sites": "all"}, "sites"),
        ({"solver": "oracle"}, "solver"),
        ({"gap": -1}, "gap"),
        ({"time_limit": 1e9}, "time_limit"),
    ],
)
def test_the_api_refuses_by_name(
    people: People, in_a: None, of_a: APIClient, wrong: dict[str, Any], field: str
) -> None:
    ready_sites(people.a, 1)
    body = {"day": "2026-11-22", **wrong}
    refused = of_a.post(RUNS, body, format="json", headers={"Idempotency-Key": "k"})
    assert refused.status_code == 400, refused.content
    assert refused.json()["errors"][0]["field"].startswith(field)
    assert not Job.objects.exists()


def test_the_api_takes_no_sites_of_others(people: People, in_a: None, of_a: APIClient) -> None:
    ready_sites(people.a, 1)
    with organization_scope(people.b):
        foreign = SiteFactory(organization=people.b)
    body = {"day": "2026-11-22", "sites": [foreign.pk]}
    refused = of_a.post(RUNS, body, format="json", headers={"Idempotency-Key": "k"})
    assert refused.json()["errors"] == [
        {"field": "sites", "message": f"sites is {foreign.pk}; allowed: ids of sites of A"}
    ]


def test_the_command_asks_for_a_night(people: People, in_a: None, capsys: pytest.CaptureFixture[str]) -> None:
    portfolio = PortfolioFactory(organization=people.a, name="North")
    ready_sites(people.a, 1, portfolio=portfolio)
    for _ in range(2):
        call_command("plan_portfolio", "a", "--portfolio", "North", "--day", "2026-11-22", "--key", "2026-11-22")
    run = PortfolioRun.objects.get()
    assert capsys.readouterr().out.count(f"Portfolio run {run.pk}, job {run.job_id}: Plan all sites of North on") == 2
    for wrong, message in (
        (["nowhere"], "no organization 'nowhere'"),
        (["a", "--portfolio", "South"], "no portfolio 'South'"),
        (["a", "--gap", "2"], "gap is 2"),
        (["b"], "at least one site of B"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("plan_portfolio", *wrong)
