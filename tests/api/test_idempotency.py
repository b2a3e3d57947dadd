"""A request that is sent twice has one effect."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from rest_framework.test import APIClient

from assets.models import Portfolio, PriceValues, SiteTariff
from flexplatform.accounts.scoping import organization_scope
from flexplatform.api.models import StoredAnswer
from flexplatform.api.tasks import forget_old_answers
from flexplatform.jobs.models import Job
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import PriceSeriesFactory, SiteFactory, TariffFactory, planned_site

PRICES = {"start": "2026-11-21T23:00:00Z", "step": 3600, "values": [0.1]}


def post(client: APIClient, path: str, body: Any, key: str = "k1") -> Any:
    return client.post(f"/api/v1/{path}", body, format="json", headers={"Idempotency-Key": key} if key else {})


def replayed(answer: Any) -> bool:
    return bool(answer.headers.get("Idempotency-Replayed") == "true")


def test_the_same_request_gets_the_same_answer(people: People, of_a: APIClient) -> None:
    site, tariff = SiteFactory(organization=people.a), TariffFactory(organization=people.a)
    body = {"site": site.pk, "tariff": tariff.pk, "valid_from": "2026-01-01"}
    first, again = (post(of_a, "site-tariffs/", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert [replayed(first), replayed(again)] == [False, True]
    with organization_scope(people.a):
        assert SiteTariff.objects.count() == 1
    of_a.delete(f"/api/v1/site-tariffs/{first.json()['id']}/")
    assert post(of_a, "site-tariffs/", body).content == first.content


def test_a_key_belongs_to_one_request(people: People, of_a: APIClient) -> None:
    series = PriceSeriesFactory(organization=people.a)
    assert post(of_a, f"price-series/{series.pk}/values/", PRICES).status_code == 201
    others = [
        post(of_a, f"price-series/{series.pk}/values/", {**PRICES, "values": [0.2]}),
        post(of_a, f"price-series/{PriceSeriesFactory(organization=people.a).pk}/values/", PRICES),
        post(of_a, "portfolios/", {"name": "North"}),
        post(of_a, "schedule-runs/", {"site": planned_site(people.a)[0].pk, "day": "2026-11-22"}),
    ]
    for other in others:
        assert (other.status_code, other["Content-Type"]) == (409, "application/problem+json")
        assert other.json()["detail"] == "The idempotency key 'k1' was used for another request before."
    with organization_scope(people.a):
        assert (PriceValues.objects.count(), Portfolio.objects.filter(name="North").count()) == (1, 0)
        assert not Job.objects.exists()


def test_work_has_its_key_in_the_job_alone(people: People, of_a: APIClient) -> None:
    body = {"site": planned_site(people.a)[0].pk, "day": "2026-11-22"}
    first, again = (post(of_a, "schedule-runs/", body) for _ in range(2))
    assert [replayed(first), replayed(again)] == [False, True]
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    other = post(of_a, "portfolios/", {"name": "North"})
    assert other.status_code == 409
    with organization_scope(people.a):
        assert Job.objects.count() == 1
        assert not StoredAnswer.objects.exists()


def test_a_job_of_another_kind_keeps_its_key(people: People, of_a: APIClient) -> None:
    body = {"site": planned_site(people.a)[0].pk, "day": "2026-11-22"}
    with organization_scope(people.a):
        Job.objects.create(organization=people.a, kind="other", title="Other", idempotency_key="k1")
        assert post(of_a, "schedule-runs/", body).status_code == 409
        assert Job.objects.count() == 1


def test_what_fails_is_not_remembered(people: People, of_a: APIClient) -> None:
    wrong = post(of_a, "portfolios/", {"name": "North", "time_zone": "Mars"})
    assert wrong.status_code == 400
    right = post(of_a, "portfolios/", {"name": "North"})
    assert (right.status_code, replayed(right)) == (201, False)


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\tin it"])
@pytest.mark.parametrize(
    "path", ["site-tariffs/", "site-tariffs/switch/", "price-series/deliveries/", "schedule-runs/"]
)
def test_work_and_money_need_a_key(people: People, of_a: APIClient, path: str, key: str) -> None:
    answer = post(of_a, path, {}, key)
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]
    assert answer.status_code == 400


def test_keys_of_others_are_invisible(people: People, of_a: APIClient, of_b: APIClient) -> None:
    for client in (of_a, of_b):
        answer = post(client, "portfolios/", {"name": "North"})
        assert (answer.status_code, replayed(answer)) == (201, False)
    sites = [planned_site(organization)[0].pk for organization in (people.a, people.b)]
    for client, site in zip((of_a, of_b), sites, strict=True):
        answer = post(client, "schedule-runs/", {"site": site, "day": "2026-11-22"}, "work")
        assert (answer.status_code, replayed(answer)) == (202, False)


def test_another_token_may_repeat_the_request_if_it_may_make_it(people: People, of_a: APIClient) -> None:
    first = post(of_a, "portfolios/", {"name": "North"})
    assert post(caller(people.a, people.alice), "portfolios/", {"name": "North"}).content == first.content
    lesser = caller(people.a, people.alice, ["sites.view"])
    assert post(lesser, "portfolios/", {"name": "North"}).status_code == 403


def test_old_answers_are_forgotten(people: People, of_a: APIClient, of_b: APIClient) -> None:
    for client in (of_a, of_b):
        post(client, "portfolios/", {"name": "North"}, "old")
        post(client, "portfolios/", {"name": "South"}, "new")
    long_ago = timezone.now() - timedelta(hours=25)
    for organization in (people.a, people.b):
        with organization_scope(organization):
            StoredAnswer.objects.filter(key="old").update(created_at=long_ago)
    forget_old_answers()
    for organization in (people.a, people.b):
        with organization_scope(organization):
            assert [row.key for row in StoredAnswer.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_the_same_time_has_one_effect(people: People) -> None:
    token = caller(people.a, people.alice)
    series = PriceSeriesFactory(organization=people.a)
    answers: list[Any] = []
    barrier = threading.Barrier(4)

    def send() -> None:
        client = APIClient()
        client.credentials(**token._credentials)
        barrier.wait()
        try:
            answers.append(post(client, f"price-series/{series.pk}/values/", PRICES))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite lives in memory, in one connection; PostgreSQL shows it")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(replayed(answer) for answer in answers) == [False, True, True, True]
    with organization_scope(people.a):
        assert PriceValues.objects.count() == 1
