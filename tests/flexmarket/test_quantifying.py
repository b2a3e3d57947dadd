"""The choice of the method: offers that take long are asked for, made in a worker, shown and sent by their method."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from flexmarket.engine.methods import METHODS
from flexmarket.method_words import METHOD_WORDS
from flexmarket.models import FlexibilityOffers
from flexmarket.quantifying import QUANTIFY, QUANTIFY_MANY, request_many_quantified, request_quantified
from flexmarket.services import offer_flexibility
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.models import ScheduleRun
from tests.api.conftest import of_a, of_b
from tests.conftest import People
from tests.factories import BatteryFactory
from tests.flexmarket.trading.sites import planned_battery_site
from tests.optimization.portfolios import work_off

__all__ = ["of_a", "of_b"]


@pytest.fixture
def run(people: People, acts: None) -> Iterator[ScheduleRun]:
    with organization_scope(people.a):
        made = planned_battery_site(people.a)
        offer_flexibility(run=made)
        yield made


def methods_of(run: ScheduleRun) -> list[str]:
    return sorted(set(FlexibilityOffers.objects.filter(run=run).values_list("method", flat=True)))


def site_page(client: Client, run: ScheduleRun, **query: str) -> Any:
    return client.get(f"/o/a/sites/{run.site.slug}/", {"day": run.local_day, **query})


def panel_of(page: Any) -> Any:
    return next(each for each in page.context["panels"] if each["name"] == "offers")


def test_every_method_has_its_words() -> None:
    assert set(METHOD_WORDS) == set(METHODS)


def test_exact_offers_are_made_in_a_worker(run: ScheduleRun) -> None:
    job = request_quantified(run=run, method="exact")
    assert methods_of(run) == ["opentumflex"]
    assert execute(job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED
    assert methods_of(run) == ["exact", "opentumflex"]
    before = FlexibilityOffers.objects.get(run=run, method="exact").positive_power_kw
    Job.objects.filter(pk=job.pk).update(status=Job.Status.QUEUED, attempts=0)
    execute(job.pk, worker="test", beat_every=0)
    np.testing.assert_array_equal(FlexibilityOffers.objects.get(run=run, method="exact").positive_power_kw, before)


def test_many_plans_are_parts_of_one_job(people: People, run: ScheduleRun) -> None:
    other = planned_battery_site(people.a)
    job = request_many_quantified(organization=people.a, runs=[run, other], method="exact")
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result) == ("succeeded", {"method": "exact", "sites": 2, "failed": 0, "errors": []})
    assert Job.objects.filter(kind=QUANTIFY, parent=job).count() == 2


def test_a_site_that_fails_is_named_and_the_others_have_offers(people: People, run: ScheduleRun) -> None:
    broken = planned_battery_site(people.a)
    BatteryFactory(site=broken.site, name="added later")
    job = request_many_quantified(organization=people.a, runs=[run, broken], method="exact")
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["sites"], job.result["failed"]) == ("succeeded", 1, 1)
    assert broken.site.name in job.result["errors"][0]


def test_what_cannot_be_quantified_is_refused_by_its_field(people: People, run: ScheduleRun) -> None:
    with pytest.raises(ValidationError, match="method is guess; allowed: exact, opentumflex"):
        request_quantified(run=run, method="guess")
    with pytest.raises(ValidationError, match="runs has 0 plans; allowed: 1 to 500"):
        request_many_quantified(organization=people.a, runs=[], method="exact")
    with pytest.raises(ValidationError, match="allowed: own plans"):
        request_many_quantified(organization=people.b, runs=[run], method="exact")


def test_a_site_shows_the_chosen_method_and_how_far_it_is(people: People, run: ScheduleRun) -> None:
    alice = people.client("alice")
    assert panel_of(site_page(alice, run))["method"] == "opentumflex"
    empty = site_page(alice, run, method="exact")
    assert panel_of(empty)["rows"] == []
    assert "Not computed for this plan yet" in empty.content.decode()
    address = f"/o/a/runs/{run.pk}/offers/quantify/"
    answer = alice.post(address, {"method": "exact", "key": "k"})
    assert answer["Location"] == f"/o/a/sites/{run.site.slug}/?day={run.local_day}&method=exact#offers"
    alice.post(address, {"method": "exact", "key": "other"})
    assert Job.objects.filter(kind=QUANTIFY).count() == 1
    assert "every 1s" in site_page(alice, run, method="exact").content.decode()
    asks = {"HX-Request": "true"}
    assert "HX-Refresh" not in alice.get(f"{address}?method=exact", headers=asks)
    work_off()
    assert alice.get(f"{address}?method=exact", headers=asks)["HX-Refresh"] == "true"
    shown = panel_of(site_page(alice, run, method="exact"))
    assert [row["device"] for row in shown["rows"]] == ["battery"]
    charts = alice.get(f"/o/a/runs/{run.pk}/offers.json", {"method": "exact"}).json()["charts"]
    assert charts != alice.get(f"/o/a/runs/{run.pk}/offers.json").json()["charts"]
    assert alice.get(f"/o/a/runs/{run.pk}/offers/alf.zip", {"method": "exact"}).status_code == 200
    assert alice.get(f"/o/a/runs/{run.pk}/offers/alf.zip", {"method": "guess"}).status_code == 404
    refused = alice.post(address, {"method": "guess"}, follow=True)
    assert "method is guess; allowed: exact, opentumflex" in refused.content.decode()


def test_the_board_computes_what_a_method_lacks(people: People, run: ScheduleRun) -> None:
    alice, asked = people.client("alice"), {"day": run.local_day, "method": "exact"}
    page = alice.get("/o/a/offers/", asked)
    assert (page.context["missing"], page.context["board"].sources) == (1, [])
    answer = alice.post("/o/a/offers/quantify/", {"back": f"day={run.local_day}&method=exact", "key": "k"})
    job = Job.objects.get(kind=QUANTIFY_MANY)
    assert answer["Location"] == f"/o/a/offers/?day={run.local_day}&method=exact&job={job.pk}"
    assert 'hx-trigger="every 2s"' in alice.get(answer["Location"]).content.decode()
    work_off()
    assert alice.get(answer["Location"], headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    page = alice.get("/o/a/offers/", asked)
    assert (page.context["missing"], len(page.context["board"].sources)) == (0, 1)
    nothing = alice.post("/o/a/offers/quantify/", {"back": f"day={run.local_day}&method=exact"}, follow=True)
    assert "runs has 0 plans" in nothing.content.decode()


def test_viewers_see_but_ask_for_nothing(people: People, run: ScheduleRun) -> None:
    bob = people.client("bob")
    page = site_page(bob, run, method="exact").content.decode()
    assert "Not computed for this plan yet" in page
    assert "Compute these offers" not in page
    assert bob.post(f"/o/a/runs/{run.pk}/offers/quantify/", {"method": "exact"}).status_code == 403


def test_the_api_asks_lists_and_exports_by_method(run: ScheduleRun, of_a: APIClient, of_b: APIClient) -> None:
    def ask(client: APIClient, **body: Any) -> Any:
        return client.post("/api/v1/offers/", body, format="json", headers={"Idempotency-Key": "k"})

    refused = ask(of_a, run=run.pk, method="guess")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["method"]
    assert ask(of_b, run=run.pk, method="exact").status_code == 400
    answer = ask(of_a, run=run.pk, method="exact")
    assert (answer.status_code, ask(of_a, run=run.pk, method="exact").json()["id"]) == (202, answer.json()["id"])
    work_off()
    found = of_a.get("/api/v1/offers/", {"run": run.pk, "method": "exact"}).json()["results"]
    assert [(each["device"], each["method"]) for each in found] == [("battery", "exact")]
    assert of_a.get("/api/v1/offers/", {"method": "guess"}).status_code == 400
    files = {"run": run.pk, "market": "alf"}
    assert of_a.get("/api/v1/offers/export/", {**files, "method": "exact"}).status_code == 200
    assert of_a.get("/api/v1/offers/export/", {**files, "method": "guess"}).status_code == 400
