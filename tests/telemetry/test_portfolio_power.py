"""Sums over all meters hold whatever came late, and cost two small queries while nothing is new."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flexplatform.accounts.models import Organization
from flexplatform.accounts.scoping import organization_scope
from telemetry.batches import ReadingBatch
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.portfolio_power import measured_power
from telemetry.services import Reference, ensure_channels, store_readings
from tests.conftest import People
from tests.factories import SiteFactory

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUERIES_OF_CHANGED, QUERIES_OF_KEPT = 4, 2


@pytest.fixture
def in_a(people: People, acts: None) -> Iterator[None]:
    with organization_scope(people.a):
        yield


def meter(organization: Organization, slug: str) -> Channel:
    site = SiteFactory(organization=organization, slug=slug)
    (channel,) = ensure_channels(
        organization=organization, references=[Reference(site=site.pk, quantity="grid_power_kw")]
    )
    return channel


def tell(channel: Channel, minutes: float, *values: float) -> None:
    times = [microseconds(START + (minutes + number) * MINUTE) for number in range(len(values))]
    store_readings(batch=ReadingBatch.of([channel.pk] * len(values), times, list(values), times))


def power(organization: Organization, count: int = 3) -> list[float | None]:
    found = measured_power(organization, START, count).power_kw.tolist()
    return [None if np.isnan(value) else value for value in found]


def test_meters_add_up_and_late_readings_count(people: People, in_a: None) -> None:
    one, other = meter(people.a, "one"), meter(people.a, "other")
    assert power(people.a) == [None, None, None]
    tell(one, 0, 1, 3)
    tell(other, 0, -4)
    tell(one, 30, 5)
    assert power(people.a) == [-2, None, 5]
    tell(other, 16, 7)
    tell(other, 5, -6)
    assert power(people.a) == [-3, 7, 5]
    tell(meter(people.a, "third"), 31, 1)
    assert power(people.a) == [-3, 7, 6]
    assert measured_power(people.a, START, 3).meters == 3
    Channel.objects.filter(pk=other.pk).delete()
    assert power(people.a) == [2, None, 6]


def test_a_reading_that_is_known_changes_no_sum(people: People, in_a: None) -> None:
    one = meter(people.a, "one")
    tell(one, 0, 1)
    assert power(people.a, 1) == [1]
    tell(one, 0, 9)
    with CaptureQueriesContext(connection) as queries:
        assert power(people.a, 1) == [1]
    assert len(queries) == QUERIES_OF_KEPT


@pytest.mark.parametrize("count", [1, 3])
def test_only_what_is_new_is_summed_up_again(people: People, in_a: None, count: int) -> None:
    meters = [meter(people.a, f"site{number}") for number in range(count)]
    for each in meters:
        tell(each, 0, 1)
        tell(each, 15, 1)
    for wanted in (QUERIES_OF_CHANGED, QUERIES_OF_KEPT):
        with CaptureQueriesContext(connection) as queries:
            assert power(people.a, 2) == [count, count]
        assert len(queries) == wanted, [each["sql"] for each in queries]
    tell(meters[0], 16, 3)
    with CaptureQueriesContext(connection) as queries:
        assert power(people.a, 2) == [count, count + 1]
    assert len(queries) == QUERIES_OF_CHANGED


def test_organizations_sum_up_their_own(people: People, in_a: None) -> None:
    tell(meter(people.a, "one"), 0, 1)
    with organization_scope(people.b):
        tell(meter(people.b, "one"), 0, 10)
        assert power(people.b, 1) == [10]
    assert power(people.a, 1) == [1]
