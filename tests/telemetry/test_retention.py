"""Readings and refused messages go when their time is over, per organization; days have partitions on PostgreSQL."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from telemetry.batches import ReadingBatch
from telemetry.models import Channel, DeadLetter, Reading, Retention, Rollup
from telemetry.models.moments import microseconds
from telemetry.services import Reference, ensure_channels, store_readings
from telemetry.services import retention as retention_module
from telemetry.services.partitions import drop_partitions, make_partitions, partition_days
from telemetry.services.readings import Letter
from telemetry.tasks import tend_readings
from tests.conftest import People
from tests.factories import SiteFactory

NOW = timezone.now()
TODAY = NOW.astimezone(UTC).date()
NOON = datetime.combine(TODAY, time(12), UTC)


def channel_of(organization: Organization) -> Channel:
    SiteFactory(organization=organization, slug="home")
    with organization_scope(organization), acting("tests", Door.COMMAND):
        reference = Reference(site="home", quantity="grid_power_kw")
        return ensure_channels(organization=organization, references=[reference])[0]


def store(channel: Channel, *days_ago: float) -> None:
    """Store a reading and a letter for each of these days."""
    times = [microseconds(NOW - timedelta(days=days)) for days in days_ago]
    letters = [Letter(channel.organization_id, f"{channel.organization_id}/{us}", "no", b"x", us) for us in times]
    count = len(times)
    store_readings(batch=ReadingBatch.of([channel.pk] * count, times, [1.0] * count, times), letters=letters)


def ages(organization: Organization) -> tuple[list[int], list[int]]:
    """Return the ages in days of the organization's readings and letters."""
    with organization_scope(organization):
        readings, letters = Reading.objects.order_by("time"), DeadLetter.objects.order_by("last_at")
        return [(NOW - each.time).days for each in readings], [(NOW - each.last_at).days for each in letters]


@pytest.fixture
def channels(people: People) -> tuple[Channel, Channel]:
    return channel_of(people.a), channel_of(people.b)


def test_each_organization_keeps_what_it_says(
    people: People, channels: tuple[Channel, Channel], settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "DELETED_AT_ONCE", 2)
    settings.TELEMETRY_READING_DAYS, settings.TELEMETRY_LETTER_DAYS = 100, 10  # type: ignore[attr-defined]
    for channel in channels:
        store(channel, 0, 5, 30, 31, 32, 33, 99, 101, 200)
    with organization_scope(people.b):
        Retention.objects.create(organization=people.b, reading_days=20, letter_days=40)
    for _ in range(2):
        tend_readings.apply(throw=True)
        assert ages(people.a) == ([99, 33, 32, 31, 30, 5, 0], [5, 0])
        assert ages(people.b) == ([5, 0], [33, 32, 31, 30, 5, 0])
    with organization_scope(people.b):
        assert Rollup.objects.count() == 9


def test_letters_without_an_organization_go_too(channels: tuple[Channel, Channel], settings: object) -> None:
    settings.TELEMETRY_LETTER_DAYS = 10  # type: ignore[attr-defined]
    times = [microseconds(NOW - timedelta(days=days)) for days in (5, 20)]
    store_readings(
        batch=ReadingBatch.of([], [], [], []), letters=[Letter(None, "t", "no", b"%d" % us, us) for us in times]
    )
    tend_readings.apply(throw=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM telemetry_deadletter")
        assert cursor.fetchone() == (1,)


@pytest.fixture
def on_postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        assert list(partition_days()) == make_partitions(today=TODAY) == drop_partitions(before=TODAY) == []
        pytest.skip("only PostgreSQL has partitions")


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ONLY telemetry_reading_default")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def at_noon(channel: Channel, *days_ago: int) -> None:
    """Store a reading at noon, UTC, and one a second later, of each of these days."""
    noons = [microseconds(NOON - timedelta(days=days)) for days in days_ago]
    times = [us + index * 1_000_000 for us in noons for index in range(2)]
    store_readings(batch=ReadingBatch.of([channel.pk] * len(times), times, [1.0] * len(times), times))


def test_days_are_made_ahead_and_what_waits_is_moved(on_postgresql: None, channels: tuple[Channel, Channel]) -> None:
    channel = channels[0]
    at_noon(channel, 0, 3, 40)
    store(channel, 30)
    assert waiting() == 7
    week = [TODAY + timedelta(days=index) for index in range(8)]
    made = [TODAY - timedelta(days=40), TODAY - timedelta(days=3), *week]
    assert sorted(make_partitions(today=TODAY, worth=2)) == made
    assert waiting() == 1
    assert make_partitions(today=TODAY, worth=2) == []
    at_noon(channel, 3, -7)
    assert waiting() == 1
    with organization_scope(channel.organization):
        assert Reading.objects.count() == 9
    assert drop_partitions(before=TODAY - timedelta(days=2)) == made[:2]
    with organization_scope(channel.organization):
        assert Reading.objects.count() == 5


def test_a_day_is_dropped_when_nobody_keeps_it(
    on_postgresql: None, people: People, channels: tuple[Channel, Channel], settings: object
) -> None:
    settings.TELEMETRY_READING_DAYS = 50  # type: ignore[attr-defined]
    for channel in channels:
        at_noon(channel, 30, 70)
    days = [TODAY - timedelta(days=30), TODAY - timedelta(days=70)]
    assert set(days) <= set(make_partitions(today=TODAY, worth=1))
    with organization_scope(people.a):
        Retention.objects.create(organization=people.a, reading_days=10)
    tend_readings.apply(throw=True)
    assert days[0] in set(partition_days())
    assert days[1] not in set(partition_days())
    assert (len(ages(people.a)[0]), len(ages(people.b)[0])) == (0, 2)
