"""What is stored of readings, letters and presences, whichever way they came."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.batches import ReadingBatch
from telemetry.models import Channel, DeadLetter, DevicePresence, Reading, Rollup
from telemetry.models.moments import microseconds
from telemetry.queries import chart_points, gaps, raw_readings, summary, sums_of_quarters
from telemetry.services import (
    Reference,
    create_credential,
    delete_channel,
    ensure_channels,
    replay_letter,
    revoke_credential,
    store_readings,
)
from telemetry.services import ingest as ingest_module
from telemetry.services.ingest import Message, ingest
from telemetry.services.registry import TopicRegistry
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory

STORE_QUERIES = {"sqlite": 7, "postgresql": 4}
MINUTE_US = 60_000_000


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home")
    BatteryFactory(site=row)
    BatteryFactory(site=SiteFactory(organization=people.b, slug="home"))
    return row


@pytest.fixture
def channel(people: People, site: Site, in_a: None) -> Channel:
    reference = Reference(site="home", asset="battery", quantity="power_kw")
    return ensure_channels(organization=people.a, references=[reference])[0]


@pytest.fixture
def start() -> datetime:
    """A day ago, at the start of an hour."""
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=1)


def minutes(channel: Channel, start: datetime, values: list[float], first: int = 0) -> ReadingBatch:
    begin = microseconds(start)
    count = len(values)
    times = [begin + (first + index) * MINUTE_US for index in range(count)]
    return ReadingBatch.of([channel.pk] * count, times, values, [begin] * count)


def test_the_first_value_of_a_time_stays(channel: Channel, start: datetime) -> None:
    batch = minutes(channel, start, [1.0, 2.0])
    assert store_readings(batch=batch).new == 2
    again = store_readings(batch=minutes(channel, start, [9.0, 9.0, 3.0]))
    assert (again.new, again.known) == (1, 2)
    assert list(Reading.objects.order_by("time").values_list("value", flat=True)) == [1.0, 2.0, 3.0]
    (row,) = Rollup.objects.values_list("start", "count", "total", "lowest", "highest")
    assert row == (start, 3, 6.0, 1.0, 3.0)


def test_the_same_time_twice_in_a_batch_is_one_reading(channel: Channel, start: datetime) -> None:
    us = microseconds(start)
    found = store_readings(batch=ReadingBatch.of([channel.pk] * 3, [us, us, us], [1.0, 2.0, 3.0], [us] * 3))
    assert (found.new, found.known) == (1, 2)
    assert Reading.objects.get().value == 1.0


def test_late_readings_count_in_their_quarter_hour_and_the_newest_stays_the_last(
    channel: Channel, start: datetime
) -> None:
    store_readings(batch=minutes(channel, start, [5.0] * 15, first=15))
    store_readings(batch=minutes(channel, start, [1.0] * 15))
    store_readings(batch=minutes(channel, start, [-2.0], first=29))
    rows = list(Rollup.objects.order_by("start").values_list("count", "total", "lowest", "highest"))
    assert rows == [(15, 15.0, 1.0, 1.0), (15, 75.0, 5.0, 5.0)]
    channel.refresh_from_db()
    assert (channel.last_value, channel.last_at) == (5.0, start + timedelta(minutes=29))


def test_a_batch_of_any_size_needs_a_fixed_number_of_statements(channel: Channel, start: datetime) -> None:
    for count in (1, 300):
        batch = minutes(channel, start, [1.0] * count, first=1000 * count)
        with CaptureQueriesContext(connection) as queries:
            store_readings(batch=batch)
        assert len(queries) <= STORE_QUERIES[connection.vendor], [each["sql"] for each in queries]


def test_steps_points_sums_and_gaps_are_of_what_is_there(channel: Channel, start: datetime) -> None:
    values = [float(number) for number in range(120)]
    store_readings(batch=minutes(channel, start, values[:60]))
    store_readings(batch=minutes(channel, start, values[60:], first=90))
    channel.resolution_seconds = 60
    found = summary(channel, start, 1800, 5)
    assert found.count.tolist() == [30, 30, 0, 30, 30]
    np.testing.assert_allclose(found.mean, [14.5, 44.5, np.nan, 74.5, 104.5])
    np.testing.assert_allclose(found.lowest, [0, 30, np.nan, 60, 90])
    np.testing.assert_allclose(found.highest, [29, 59, np.nan, 89, 119])
    assert found.energy_kwh is not None
    np.testing.assert_allclose(found.energy_kwh, found.mean / 2)
    assert found.quality.tolist() == [1, 1, 0, 1, 1]
    end = start + timedelta(minutes=150)
    assert [(gap.start, gap.end) for gap in gaps(channel, start, end)] == [
        (start + timedelta(minutes=60), start + timedelta(minutes=90))
    ]
    for points in (5, 50):
        few = chart_points(channel, start, end, points)
        assert len(few.times_us) <= points
        assert (few.lowest.min(), few.highest.max()) == (0, 119)
    assert chart_points(channel, start, end, 150).mean.tolist() == values
    np.testing.assert_allclose(sums_of_quarters([channel.pk], start, 5), [7, 22, 37, 52, np.nan])


def test_readings_are_asked_for_as_they_were_known(channel: Channel, start: datetime) -> None:
    store_readings(batch=minutes(channel, start, [1.0]))
    us = microseconds(start)
    store_readings(batch=ReadingBatch.of([channel.pk], [us + 1], [2.0], [us + MINUTE_US]))
    end = start + timedelta(hours=1)
    assert raw_readings(channel, start, end).values.tolist() == [1.0, 2.0]
    assert raw_readings(channel, start, end, known_at=start).values.tolist() == [1.0]
    few = raw_readings(channel, start, end, most=1)
    assert (few.values.tolist(), few.more) == ([1.0], True)


def test_with_a_channel_goes_what_was_measured(channel: Channel, start: datetime) -> None:
    store_readings(batch=minutes(channel, start, [1.0]))
    delete_channel(channel=channel)
    assert (Reading.objects.count(), Rollup.objects.count()) == (0, 0)


def message(topic: str, payload: str) -> Message:
    return Message(topic, payload.encode(), microseconds(timezone.now()))


def now(value: object = 1) -> str:
    return f'{{"ts":{timezone.now().timestamp()},"value":{value}}}'


@pytest.fixture
def registry(people: People, site: Site, in_a: None) -> TopicRegistry:
    create_credential(site=site, name="gateway")
    return TopicRegistry()


def test_one_bad_message_stops_no_other(people: People, registry: TopicRegistry) -> None:
    good = message("flex/v1/a/home/battery/power_kw", now(2))
    bad = [
        ("flex/v1/a/home/battery/power_kw", "no", "no JSON"),
        ("flex/v1/a/home/battery/humour", now(), "quantity is 'humour'"),
        ("flex/v1/a/home/wind/power_kw", now(), "No active credential of a covers"),
        ("flex/v1/b/home/battery/power_kw", now(), "No active credential of b covers"),
        ("flex/v1/c/home/battery/power_kw", now(), "organization 'c' does not exist"),
        ("other/topic", now(), "The topic is none of"),
        ("flex/v1/a/home/battery/status", "perhaps", "allowed: online, offline"),
    ]
    messages = [message(topic, payload) for topic, payload, _ in bad]
    stored = ingest(registry=registry, messages=[*messages, good, *messages])
    assert (stored.new, stored.known, stored.refused) == (1, 0, 2 * len(bad))
    own = dict(DeadLetter.objects.values_list("source", "count"))
    assert set(own.values()) == {2}
    assert set(own) == {topic for topic, _, _ in bad if topic.startswith("flex/v1/a/")}
    with organization_scope(people.b):
        (letter,) = DeadLetter.objects.all()
        assert letter.source == "flex/v1/b/home/battery/power_kw"
    for topic, payload, reason in bad:
        for letter in DeadLetter.objects.filter(source=topic, raw=payload.encode()):
            assert reason in letter.reason


def test_a_revoked_credential_covers_nothing(registry: TopicRegistry, site: Site) -> None:
    credential, _ = create_credential(site=SiteFactory(organization=site.organization, slug="other"), name="other")
    topic = "flex/v1/a/other/site/grid_power_kw"
    assert ingest(registry=registry, messages=[message(topic, now())]).new == 1
    revoke_credential(credential=credential)
    found = ingest(registry=TopicRegistry(), messages=[message(topic, now(2))])
    assert (found.new, found.refused) == (0, 1)


def test_what_the_database_refuses_is_found_by_halving(
    registry: TopicRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the database refuse one value, as it refuses what no check before it knows."""
    real = ingest_module.store_readings

    def refusing(**given: object) -> object:
        if 13.0 in given["batch"].values:  # type: ignore[attr-defined]
            raise ValueError("13 is refused\nby the database")
        return real(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_module, "store_readings", refusing)
    second = microseconds(timezone.now()) // 1_000_000
    messages = [
        message("flex/v1/a/home/battery/soc_percent", f'{{"ts":{second + index},"value":{index}}}')
        for index in range(20)
    ]
    stored = ingest(registry=registry, messages=messages)
    assert (stored.new, stored.refused) == (19, 1)
    assert DeadLetter.objects.get().reason == "It cannot be stored: 13 is refused"


def test_nothing_is_stored_of_a_batch_while_the_database_is_away(
    registry: TopicRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_given: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(ingest_module, "note_presences", away)
    messages = [
        message("flex/v1/a/home/battery/soc_percent", now()),
        message("flex/v1/a/home/battery/status", "offline"),
    ]
    with pytest.raises(OperationalError):
        ingest(registry=registry, messages=messages)
    assert Reading.objects.count() == 0


def test_a_last_will_marks_a_device_offline(registry: TopicRegistry) -> None:
    topic = "flex/v1/a/home/battery/status"
    for state in ("online", "offline"):
        ingest(registry=registry, messages=[message(topic, "online"), message(topic, state)])
        assert DevicePresence.objects.get().online == (state == "online")


def test_a_letter_is_taken_again_once_its_reason_is_gone(registry: TopicRegistry, site: Site) -> None:
    other = SiteFactory(organization=site.organization, slug="other")
    ingest(registry=registry, messages=[message("flex/v1/a/other/site/grid_power_kw", now())])
    letter = DeadLetter.objects.get()
    with pytest.raises(ValidationError, match="No active credential"):
        replay_letter(letter=letter)
    create_credential(site=other, name="other")
    assert replay_letter(letter=letter).new == 1
    assert not DeadLetter.objects.exists()
    assert AuditEvent.objects.filter(action="dead_letter.replay").count() == 1


def test_a_credential_of_a_foreign_device_is_refused(people: People, site: Site, in_a: None) -> None:
    with organization_scope(people.b):
        foreign = BatteryFactory(site=SiteFactory(organization=people.b), name="theirs")
    with pytest.raises(ValidationError) as error:
        create_credential(site=site, asset=foreign, name="x")
    assert set(error.value.message_dict) == {"asset"}
    for name in ("", "a b", "a/b", "ä", "a" * 61, "a.b"):
        with pytest.raises(ValidationError, match="name"):
            create_credential(site=site, name=name)
