"""The overview: figures of two days, charts, alerts, running jobs."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.permissions import PERMISSIONS, VIEW_TELEMETRY, Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from telemetry.batches import ReadingBatch
from telemetry.models.moments import microseconds
from telemetry.services import Reference, ensure_channels, store_readings
from tests.conftest import People
from tests.factories import COUNT, START, SiteFactory, planned_site

QUARTERS = 4 * 24
pytestmark = pytest.mark.usefixtures("_the_day_before")


@pytest.fixture
def _the_day_before() -> object:
    cache.clear()
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False):
        yield


def overview(people: People, name: str = "alice") -> str:
    return people.client(name).get("/o/a/").content.decode()


def test_figures_are_summed_over_the_current_runs_of_each_day(people: People) -> None:
    _, run = planned_site(people.a)
    run.pk, run.total_cost_eur = None, Decimal("100.5")
    run.save()
    planned_site(people.a)
    planned_site(people.b)
    page = overview(people)
    assert "102.00" in page
    assert "1.50" in page
    assert "2026-11-22" in page
    assert page.count('title="Not planned"') == 7


def test_power_and_flexibility_of_both_days_add_up(people: People) -> None:
    for _ in range(2):
        planned_site(people.a)
    planned_site(people.b)
    client = people.client("alice")
    page = client.get(reverse("overview_power", args=["a"])).json()
    assert (page["count"], page["step_seconds"], page["zone"]) == (2 * QUARTERS, 900, "Europe/Berlin")
    planned = page["charts"][0]["series"][0]["values"]
    assert planned[QUARTERS : QUARTERS + COUNT] == [4.0] * COUNT
    assert planned[QUARTERS - 1] is None
    assert planned[QUARTERS + COUNT] is None
    up, down = client.get(reverse("overview_flexibility", args=["a"])).json()["charts"][0]["series"]
    assert up["values"][QUARTERS : QUARTERS + COUNT] == [2.0] * COUNT
    assert down["values"][QUARTERS : QUARTERS + COUNT] == [-2.0] * COUNT


def test_what_the_meters_measured_stands_beside_the_plan(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for organization in (people.a, people.b):
        site, run = planned_site(organization)
        with organization_scope(organization), acting("tests", Door.COMMAND):
            grid = Reference(site=site.pk, quantity="grid_power_kw")
            (channel,) = ensure_channels(organization=organization, references=[grid])
            at = [microseconds(run.start)]
            store_readings(batch=ReadingBatch.of([channel.pk], at, [1.5], at))
    url, client = reverse("overview_power", args=["a"]), people.client("alice")
    measured = client.get(url).json()["charts"][0]["series"][2]
    assert measured["label"] == "Measured by 1 meter"
    assert measured["values"][QUARTERS - 1 : QUARTERS + 2] == [None, 1.5, None]
    monkeypatch.setitem(PERMISSIONS, Role.OWNER, PERMISSIONS[Role.OWNER] - {VIEW_TELEMETRY})
    assert len(client.get(url).json()["charts"][0]["series"]) == 2


def test_a_portfolio_without_plans_draws_nothing(people: People) -> None:
    SiteFactory(organization=people.a)
    client = people.client("alice")
    for name in ("overview_power", "overview_flexibility"):
        assert client.get(reverse(name, args=["a"])).json()["charts"] == []


def test_a_later_run_is_seen_although_the_sums_are_kept(people: People) -> None:
    _, run = planned_site(people.a)
    client = people.client("alice")
    url = reverse("overview_power", args=["a"])
    assert client.get(url).json()["charts"][0]["series"][0]["values"][QUARTERS] == 2.0
    run.pk = None
    run.save()
    assert client.get(url).json()["charts"][0]["series"][0]["values"][QUARTERS] is None


def test_alerts_lead_to_what_needs_attention(people: People) -> None:
    planned_site(people.a)
    SiteFactory(organization=people.a)
    SiteFactory(organization=people.b)
    with organization_scope(people.a):
        values = {"organization": people.a, "kind": "schedule_site", "status": "failed"}
        Job.objects.create(title="Failed", finished_at=timezone.now(), **values)
        Job.objects.create(title="Long ago", finished_at=timezone.now() - timedelta(days=2), **values)
    page = overview(people)
    assert "1 job failed since yesterday" in page
    assert "The plan of 1 site misses wishes" in page
    assert "1 site has no plan for tomorrow" in page
    assert "/o/a/map/?state=none" in page


def test_a_site_that_could_not_be_planned_is_an_alert_until_it_is_planned(people: People) -> None:
    site, run = planned_site(people.a, slug="home")
    with organization_scope(people.a):
        Job.objects.create(
            organization=people.a,
            title="Failed",
            kind="schedule_site",
            status="failed",
            input={"site": site.pk},
            finished_at=timezone.now() + timedelta(minutes=1),
        )
    assert "1 site could not be planned" in overview(people)
    with time_machine.travel("2026-11-21T11:00:00Z", tick=False):
        run.pk = None
        run.save()
        assert "could not be planned" not in overview(people)


def test_nothing_to_say_shows_no_alerts(people: People) -> None:
    assert "fp-alerts" not in overview(people)


def test_running_jobs_are_shown_and_ask_again(people: People) -> None:
    client = people.client("bob")
    url = reverse("running_jobs", args=["a"])
    assert 'hx-trigger="every 15s"' in client.get(url).content.decode()
    with organization_scope(people.a):
        Job.objects.create(organization=people.a, kind="schedule_site", title="Plan a house", status="queued")
        Job.objects.create(
            organization=people.a, kind="schedule_site", title="Old", status="succeeded", finished_at=START
        )
    part = client.get(url).content.decode()
    assert "Plan a house" in part
    assert "Old" not in part
    assert 'hx-trigger="every 2s"' in part
    assert "Plan a house" in overview(people)


def test_many_sites_are_a_list_of_pages(people: People) -> None:
    for number in range(26):
        SiteFactory(organization=people.a, name=f"House {number:02d}")
    page = overview(people)
    assert "26 sites" in page
    assert "House 24" in page
    assert "House 25" not in page
    assert "House 25" in people.client("alice").get("/o/a/", {"page": "2"}).content.decode()
