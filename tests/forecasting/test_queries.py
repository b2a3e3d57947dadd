from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from assets.models import Asset, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.engine.grid import Grid
from forecasting.models import ForecastRun
from forecasting.queries import forecasts_of, newest_forecast, newest_runs
from forecasting.services import receive_forecast
from telemetry.models import Channel
from tests.conftest import People
from tests.forecasting.makers import HOUR, ISSUED, QUARTER, START, delivery, house

GRID = Grid(START, QUARTER, 8)

pytestmark = pytest.mark.usefixtures("in_a")


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    return house(people.a)


def received(site: Site, value: float, hours: float, **changes: Any) -> ForecastRun:
    """Return a forecast of eight steps of this value, issued so many hours after the first."""
    given = {"issued_at": ISSUED + hours * HOUR, "values": np.full(8, value), **changes}
    return receive_forecast(organization=site.organization, delivery=delivery(site, **given))


def test_a_forecast_is_seen_as_it_was_known(site: Site) -> None:
    first, second = received(site, 1, 0), received(site, 2, 2)
    channel = Channel.objects.get()

    def seen(hours: float) -> tuple[float, tuple[int, ...]] | None:
        found = newest_forecast(channel, GRID, ISSUED + hours * HOUR)
        return found and (found.mean[0], found.runs)

    assert seen(-0.1) is None
    assert seen(0) == seen(1.9) == (1, (first.pk,))
    assert seen(2) == seen(100) == (2, (second.pk,))
    now = newest_forecast(channel, GRID)
    assert now is not None
    assert (now.runs, now.issued_at, now.source, now.complete) == ((second.pk,), second.issued_at, "meteo", True)


def test_what_is_received_late_does_not_replace_what_was_issued_later(site: Site) -> None:
    newer = received(site, 2, 2)
    received(site, 1, 0)
    found = newest_forecast(newer.channel, GRID)
    assert found is not None
    assert found.runs == (newer.pk,)


def test_each_step_comes_from_the_newest_delivery_that_covers_it(site: Site) -> None:
    whole = received(site, 1, 0)
    early = received(site, 2, 1, start=START - HOUR)
    late = received(site, 3, 2, start=START + 6 * QUARTER, values=[3])
    found = newest_forecast(whole.channel, GRID)
    assert found is not None
    assert found.mean.tolist() == [2, 2, 2, 2, 1, 1, 3, 1]
    assert found.runs == (late.pk, early.pk, whole.pk)


def test_steps_that_nobody_forecast_are_missing(site: Site) -> None:
    run = received(site, 1, 0, values=[1, 1])
    found = newest_forecast(run.channel, GRID)
    assert found is not None
    assert not found.complete
    assert np.isnan(found.mean).tolist() == [False] * 2 + [True] * 6
    assert newest_forecast(run.channel, Grid(START + HOUR, QUARTER, 4)) is None


def test_hours_serve_a_plan_of_quarters(site: Site) -> None:
    run = received(site, 0, 0, step=HOUR, values=[1, 2])
    found = newest_forecast(run.channel, GRID)
    assert found is not None
    assert found.mean.tolist() == [1] * 4 + [2] * 4


def test_quantiles_come_where_they_are_asked_for(site: Site) -> None:
    run = received(site, 1, 0, quantiles={0.1: np.zeros(8)})
    found = newest_forecast(run.channel, GRID)
    assert found is not None
    assert found.quantile(0.1) is not None
    assert found.quantile(0.5) is None
    asset = Asset.objects.get(site=site, name="load").pk
    assert forecasts_of([site], GRID)[site.pk][asset, "demand_kw"].quantiles is None


def test_deliveries_that_are_wholly_replaced_are_not_even_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from forecasting import queries

    for number in range(20):
        received(site, number, number, start=START + number * QUARTER, values=np.full(40, number))
    read = []
    piece = queries._piece
    monkeypatch.setattr(queries, "_piece", lambda row: read.append(row["id"]) or piece(row))
    found = newest_forecast(Channel.objects.get(), Grid(START + 6 * HOUR, QUARTER, 8))
    assert found is not None
    assert found.mean.tolist() == [19] * 8
    assert len(read) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_many_sites_are_one_query(people: People, count: int, django_assert_num_queries: Any) -> None:
    sites = [house(people.a) for _ in range(count)]
    for each in sites:
        received(each, 1, 0)
        received(each, 2, 1)
    with django_assert_num_queries(1):
        found = forecasts_of(sites, GRID)
    assert [[forecast.mean[0] for forecast in found[each.pk].values()] for each in sites] == [[2]] * count


def test_sites_of_others_give_nothing(people: People, site: Site) -> None:
    with organization_scope(people.b):
        other = house(people.b)
        received(other, 1, 0)
    assert forecasts_of([site, other], GRID) == {site.pk: {}, other.pk: {}}


@pytest.mark.parametrize("count", [1, 3])
def test_the_newest_of_each_channel_is_one_query(site: Site, count: int, django_assert_num_queries: Any) -> None:
    quantities = ["available_power_kw", "power_kw", "yield_kw_per_kw"][:count]
    for quantity in quantities:
        for hours in (0, 1):
            received(site, 0, hours, asset="pv", quantity=quantity)
    with django_assert_num_queries(1):
        labels = sorted(run.channel.label for run in newest_runs(site).values())
    assert labels == [f"pv.{quantity}" for quantity in quantities]
    assert {run.issued_at for run in newest_runs(site, ISSUED).values()} == {ISSUED}
