"""How complete a channel is: days of the site's clock, what was expected of them, and when nothing came."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.batches import ReadingBatch
from telemetry.completeness import daily_quality, local_days
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.services import Reference, ensure_channels, store_readings
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import SiteFactory

BERLIN = ZoneInfo("Europe/Berlin")
# The clock goes back on the second of these.
DAYS = local_days(BERLIN, date(2026, 10, 26), 3)
NOW = datetime(2026, 10, 26, 11, tzinfo=UTC)


@pytest.fixture
def channels(people: People) -> list[Channel]:
    names = ("one", "two", "three")
    for name in names:
        SiteFactory(organization=people.a, slug=name, time_zone="Europe/Berlin")
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        references = [Reference(site=name, quantity="grid_power_kw") for name in names]
        made = ensure_channels(organization=people.a, references=references)
    for channel in made:
        channel.created_at = DAYS[0].start
    return made


def store(channel: Channel, start: datetime, minutes: int, count: int) -> None:
    times = [microseconds(start) + index * minutes * 60_000_000 for index in range(count)]
    store_readings(batch=ReadingBatch.of([channel.pk] * count, times, [1.0] * count, times))


def shares(people: People, channels: list[Channel]) -> list[list[tuple[int, float]]]:
    with organization_scope(people.a):
        found = daily_quality(channels, DAYS, NOW)
    return [[(each.expected, round(each.share, 3)) for each in found[channel.pk]] for channel in channels]


def test_days_are_those_of_the_clock(people: People, channels: list[Channel]) -> None:
    store(channels[0], DAYS[0].start, 15, 96 + 100 + 24)
    # 12 hours of the last day are over, of which the first half came.
    assert shares(people, channels)[0] == [(96, 1.0), (100, 1.0), (48, 0.5)]
    assert shares(people, channels)[1] == [(96, 0.0), (100, 0.0), (48, 0.0)]


def test_nothing_is_expected_from_before_a_channel_was_made(people: People, channels: list[Channel]) -> None:
    for channel in channels:
        channel.created_at = DAYS[1].start + timedelta(hours=15)
    store(channels[1], DAYS[0].start, 15, 48)
    assert shares(people, channels)[0] == [(0, 1.0), (40, 0.0), (48, 0.0)]
    assert shares(people, channels)[1][0] == (96, 0.5)


def test_much_in_one_quarter_hour_makes_up_for_no_other(people: People, channels: list[Channel]) -> None:
    store(channels[0], DAYS[0].start, 1, 15 * 48)
    assert shares(people, channels)[0][0] == (96, 0.5)
    Channel.objects.model._base_manager.filter(pk=channels[0].pk).update(resolution_seconds=60)
    channels[0].resolution_seconds = 60
    assert shares(people, channels)[0][0] == (1440, 0.5)


def test_rare_readings_are_not_expected_each_quarter_hour(people: People, channels: list[Channel]) -> None:
    Channel.objects.model._base_manager.filter(pk=channels[0].pk).update(resolution_seconds=3600)
    channels[0].resolution_seconds = 3600
    store(channels[0], DAYS[0].start, 60, 24)
    assert shares(people, channels)[0][0] == (24, 1.0)


def test_any_number_of_channels_takes_one_query(people: People, channels: list[Channel]) -> None:
    for count in (1, 3):
        with organization_scope(people.a), CaptureQueriesContext(connection) as queries:
            daily_quality(channels[:count], DAYS, NOW)
        assert len(queries) == 1


@pytest.fixture
def client(people: People) -> APIClient:
    return caller(people.a, people.alice)


def test_the_api_answers_days_and_gaps(people: People, channels: list[Channel], client: APIClient) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    store(channels[0], start, 15, 2)
    store(channels[0], start + timedelta(hours=1), 15, 2)
    asked = {"channel": channels[0].pk, "days": 2}
    found = client.get("/api/v1/readings/quality/", asked).json()
    assert [found["channel"], found["time_zone"], len(found["days"])] == [channels[0].pk, "Europe/Berlin", 2]
    gap = {
        "start": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    assert gap in found["gaps"]


@pytest.mark.parametrize("days", ["0", "367", "x", "1.5"])
def test_a_wrong_number_of_days_is_refused(channels: list[Channel], client: APIClient, days: str) -> None:
    answer = client.get("/api/v1/readings/quality/", {"channel": channels[0].pk, "days": days})
    assert (answer.status_code, "days" in str(answer.json())) == (400, True)


def test_the_pages_show_shares_and_gaps(people: People, channels: list[Channel]) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    store(channels[0], start, 15, 1)
    client = people.client("alice")
    assert "site.grid_power_kw" in client.get("/o/a/telemetry/complete/").content.decode()
    page = client.get(f"/o/a/telemetry/complete/{channels[0].pk}/").content.decode()
    assert "Times without readings" in page
    assert client.get(f"/o/a/telemetry/complete/{channels[1].pk}/").status_code == 200
