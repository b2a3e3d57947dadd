"""What Prometheus is told, and whom nobody else gets to know it from."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job, Worker
from flexplatform.registry import Measure, measures
from telemetry.models import BridgeState, DeadLetter
from tests.conftest import People

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
TOKEN = "for-prometheus-only"
# Of all measures, and none more for more rows.
QUERIES = 16


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scraped(token: str = TOKEN) -> Samples:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


@pytest.mark.django_db
@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN}x", "Bearer ü"])
def test_without_the_token_nothing_is_told(header: str | None) -> None:
    answer = Client().get("/metrics", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"flexplatform" not in answer.content


@pytest.mark.django_db
def test_without_a_setting_there_is_no_such_address(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    for header in ("", "Bearer ", f"Bearer {TOKEN}"):
        assert Client().get("/metrics", headers={"Authorization": header}).status_code == 404


def test_requests_are_counted_by_their_route(people: People) -> None:
    page = ("flexplatform_requests_total", (("method", "GET"), ("route", "o/<slug:organization>/"), ("status", "200")))
    took = ("flexplatform_request_seconds_count", (("route", "o/<slug:organization>/"),))
    before = scraped()
    people.client("alice").get("/o/a/")
    after = scraped()
    assert after[page] - before.get(page, 0) == 1
    assert after[took] - before.get(took, 0) == 1


@pytest.mark.django_db
def test_what_a_caller_makes_up_becomes_no_label() -> None:
    Client().generic("MADEUP", "/login/")
    Client().get("/made-up-address/")
    told = str(list(scraped()))
    assert "MADEUP" not in told
    assert "made-up" not in told


def job(people: People, status: str, key: str, age: timedelta = timedelta()) -> None:
    ended = {"finished_at": timezone.now()} if status in Job.TERMINAL else {}
    with organization_scope(people.a):
        made = Job.objects.create(
            organization=people.a, kind="k", title="t", status=status, idempotency_key=key, **ended
        )
        Job.objects.filter(pk=made.pk).update(created_at=timezone.now() - age)


def state_of_bridge(client_id: str) -> BridgeState:
    now = timezone.now()
    return BridgeState.objects.create(
        client_id=client_id,
        host="h",
        process=1,
        started_at=now,
        beat_at=now,
        connected=True,
        last_commit_at=now - timedelta(seconds=20),
        queued=7,
        stored=1000,
        known=10,
        refused=3,
    )


def test_the_state_of_the_platform(people: People) -> None:
    job(people, "queued", "1", timedelta(seconds=90))
    job(people, "queued", "2")
    job(people, "failed", "3")
    Worker.objects.create(name="now", seen_at=timezone.now())
    Worker.objects.create(name="gone", seen_at=timezone.now() - timedelta(hours=1))
    state_of_bridge("bridge")
    with organization_scope(people.b):
        moments = {"first_at": timezone.now(), "last_at": timezone.now()}
        DeadLetter.objects.create(
            organization=people.b, digest=b"1", source="s", reason="r", raw=b"", size=1, count=4, **moments
        )
    told = scraped()
    assert told["flexplatform_jobs", (("state", "queued"),)] == 2
    assert told["flexplatform_jobs", (("state", "failed"),)] == 1
    assert told["flexplatform_jobs", (("state", "running"),)] == 0
    assert 90 <= told["flexplatform_oldest_waiting_job_seconds", (("priority", "now"),)] < 120
    assert told["flexplatform_oldest_waiting_job_seconds", (("priority", "later"),)] == 0
    assert told["flexplatform_workers", ()] == 1
    assert told["flexplatform_bridge_messages_total", (("bridge", "bridge"), ("result", "stored"))] == 1000
    assert told["flexplatform_bridge_queued", (("bridge", "bridge"),)] == 7
    assert 20 <= told["flexplatform_bridge_last_commit_age_seconds", (("bridge", "bridge"),)] < 50
    assert told["flexplatform_bridge_well", (("bridge", "bridge"),)] == 1
    assert told["flexplatform_dead_letters", (("counted", "all"),)] == 4
    assert told["flexplatform_dead_letters", (("counted", "different"),)] == 1
    assert told["flexplatform_offers", (("state", "draft"),)] == 0
    assert told["flexplatform_orders", (("state", "accepted"),)] == 0
    assert not any(value for (name, _), value in told.items() if name == "flexplatform_measure_failed")


def test_more_rows_take_no_more_queries(people: People, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in (1, 3):
        for index in range(number):
            job(people, "queued", f"{number}-{index}")
            state_of_bridge(f"bridge {number}-{index}")
        with django_assert_num_queries(QUERIES):
            scraped()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> list[tuple[tuple[str, ...], float]]:
        raise OperationalError("gone")

    monkeypatch.setitem(measures._entries, "broken", Measure("broken", "Fails", read, order=0))


@pytest.mark.django_db
def test_a_measure_that_fails_is_told_and_stops_no_other(broken: None) -> None:
    told = scraped()
    assert told["flexplatform_measure_failed", (("measure", "broken"),)] == 1
    assert ("flexplatform_workers", ()) in told
