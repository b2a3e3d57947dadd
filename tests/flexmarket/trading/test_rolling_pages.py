"""The page of rolling operation: rules, the last look at each site's plan and why it kept or replaced it, the next."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from flexmarket.models import RollingOperation
from flexmarket.trading.rolling import replan_due, request_replan
from flexmarket.trading.rolling_views import SiteLook
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.flexmarket.trading.sites import planned_battery_site

pytestmark = pytest.mark.one_database


@pytest.fixture
def run(people: People, acts: None) -> Iterator[ScheduleRun]:
    with organization_scope(people.a):
        yield planned_battery_site(people.a, hours_ahead=0)


def looks(client: Client) -> list[SiteLook]:
    found: list[SiteLook] = client.get("/o/a/rolling/").context["looks"]
    return found


def rule(people: People, **values: Any) -> RollingOperation:
    return RollingOperation.objects.create(organization=people.a, **values)


def test_a_rule_is_made_changed_and_deleted(people: People, run: ScheduleRun) -> None:
    alice = people.client("alice")
    assert "Plans are not renewed" in alice.get("/o/a/rolling/").content.decode()
    given = {"site": run.site_id, "interval_minutes": "30", "deviation_percent": "5", "enabled": "on"}
    refused = alice.post("/o/a/rolling/new/", {**given, "interval_minutes": "5"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["interval_minutes"])
    assert alice.post("/o/a/rolling/new/", given)["Location"] == "/o/a/rolling/"
    made = RollingOperation.objects.get()
    assert (made.site, made.interval_minutes) == (run.site, 30)
    again = alice.post("/o/a/rolling/new/", given)
    assert again.status_code == 422
    page = f"/o/a/rolling/{made.pk}/"
    assert alice.get(page).context["form"]["site"].value() == run.site_id
    assert alice.post(page, {**given, "interval_minutes": "45"}).status_code == 302
    made.refresh_from_db()
    assert made.interval_minutes == 45
    assert alice.post(f"{page}delete/").status_code == 302
    assert not RollingOperation.objects.exists()


def test_a_site_that_follows_the_others_is_paused_and_resumed(people: People, run: ScheduleRun) -> None:
    rule(people, interval_minutes=45, deviation_percent=7)
    alice, address = people.client("alice"), f"/o/a/rolling/{run.site.slug}/switch/"
    assert alice.post(address, {"enabled": "off"}).status_code == 302
    own = RollingOperation.objects.get(site=run.site)
    assert (own.enabled, own.interval_minutes, own.deviation_percent) == (False, 45, 7)
    with time_machine.travel(run.start + timedelta(hours=1), tick=False):
        assert not replan_due(organization=people.a)
    alice.post(address, {"enabled": "on"})
    own.refresh_from_db()
    assert own.enabled
    assert RollingOperation.objects.get(site=None).enabled
    assert AuditEvent.objects.filter(object_type="flexmarket.rollingoperation").count() == 2
    assert alice.post("/o/a/rolling/nowhere/switch/", {"enabled": "off"}).status_code == 404
    assert people.client("bob").post(address, {"enabled": "off"}).status_code == 403


def test_the_last_look_says_why_and_the_next_one_when(people: People, run: ScheduleRun) -> None:
    rule(people, interval_minutes=30)
    alice = people.client("alice")
    moment = run.start + timedelta(minutes=20)
    with time_machine.travel(moment, tick=False):
        ScheduleRun.objects.filter(pk=run.pk).update(created_at=moment - timedelta(minutes=10))
        (look,) = looks(alice)
        assert (look.job, look.next_at) == (None, moment + timedelta(minutes=20))
        job = request_replan(run=run, reason="the interval")
        assert execute(job.pk, worker="test", beat_every=0) == Job.Status.SUCCEEDED
        (look,) = looks(alice)
    assert look.job == job
    assert (str(look.reason), str(look.outcome)) == ("The interval was over", "Kept: a new plan would save too little")
    with time_machine.travel(run.start + timedelta(minutes=47), tick=False):
        (look,) = looks(alice)
        assert look.next_at is not None
        assert timezone.now() < look.next_at <= timezone.now() + timedelta(minutes=30)
        RollingOperation.objects.update(enabled=False)
        (look,) = looks(alice)
        assert (look.is_renewed, look.next_at) == (False, None)
    assert looks(alice)[0].run is None


def test_a_look_that_failed_says_so(people: People, run: ScheduleRun) -> None:
    rule(people)
    job = request_replan(run=run, reason="a deviation")
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED, error="No prices.", finished_at=timezone.now())
    with time_machine.travel(run.start + timedelta(minutes=20), tick=False):
        (look,) = looks(people.client("alice"))
    assert (str(look.reason), look.outcome) == ("A state of charge was off", "No prices.")


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_no_more_for_more_sites(
    people: People, acts: None, count: int, django_assert_num_queries: Any
) -> None:
    with organization_scope(people.a):
        runs = [planned_battery_site(people.a, hours_ahead=0) for _ in range(count)]
        for run in runs:
            rule(people, site=run.site)
            request_replan(run=run, reason="the interval")
        alice = people.client("alice")
        with time_machine.travel(runs[0].start + timedelta(minutes=20), tick=False):
            assert len(looks(alice)) == count
            with django_assert_num_queries(9):
                assert all(look.job for look in looks(alice))
