"""Measurements of a site over days: the same queries for a day and for a month, for one device and for three."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.batches import ReadingBatch
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.services import store_readings
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory

QUERIES = 7
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def measured_site(people: People, devices: int) -> Site:
    """Return a site whose batteries were measured hourly over three days until now."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    times = [microseconds(now - timedelta(hours=hour)) for hour in range(72)]
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        site: Site = SiteFactory(organization=people.a, slug="home")
        for number in range(devices):
            asset = BatteryFactory(site=site, name=f"battery {number}")
            for quantity, unit, sign in (("power_kw", "kW", "consumption"), ("soc_percent", "%", "none")):
                channel = Channel.objects.create(
                    organization=people.a, site=site, asset=asset, quantity=quantity, unit=unit, sign=sign
                )
                values = [1.0 + number] * len(times)
                store_readings(batch=ReadingBatch.of([channel.pk] * len(times), times, values, times))
    return site


def charts(people: People, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = people.client("alice").get(reverse("site_history_charts", args=["a", "home"]), asked).json()
    return found


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("days", [1, 7, 31])
def test_charts_ask_no_more_for_more(people: People, devices: int, days: int, django_assert_num_queries: Any) -> None:
    measured_site(people, devices)
    client = people.client("alice")
    with django_assert_num_queries(QUERIES):
        body = client.get(reverse("site_history_charts", args=["a", "home"]), {"days": days}).json()
    assert {chart["unit"] for chart in body["charts"]} == {"kW", "%"}
    assert all(len(chart["series"]) == devices for chart in body["charts"])


def test_a_week_has_quarter_hours_and_a_month_hours(people: People) -> None:
    measured_site(people, 1)
    week, month = charts(people, days=7), charts(people, days=31)
    assert (week["step_seconds"], month["step_seconds"]) == (900, 3600)
    assert 660 <= week["count"] <= 676
    values = [value for value in month["charts"][0]["series"][0]["values"] if value is not None]
    assert values == [1.0] * len(values)
    assert 71 <= len(values) <= 73


@pytest.mark.parametrize("until", ["", "yesterday", "\0", "0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("days", ["", "0", "-1", "1e9", "\0"])
def test_other_days_are_the_nearest_that_there_are(people: People, until: str, days: str) -> None:
    measured_site(people, 1)
    asked = {"until": until, "days": days}
    client = people.client("alice")
    assert client.get(reverse("site_history", args=["a", "home"]), asked).status_code == 200
    assert client.get(reverse("site_history_charts", args=["a", "home"]), asked).status_code == 200


def test_a_site_without_measurements_says_so(people: People) -> None:
    SiteFactory(organization=people.a, slug="home")
    assert charts(people)["charts"] == []
    page = people.client("alice").get(reverse("site_history", args=["a", "home"])).content.decode()
    assert "Nothing was measured on these days." in page
    assert datetime.now().astimezone().strftime("%Y") in page
